"""What the phases of the preflight say of one name, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jobs.policy import preflight_report as report
from jobs.policy.finding import Finding
from jobs.policy.verdict import Outcome, Verdict, beside_each_other, combine, conclude
from jobs.policy.who_answered import Here, explained
from jobs.preflight.addresses import Addresses
from jobs.preflight.by_dns import ByDns
from jobs.preflight.permission import Permission


@dataclass(frozen=True, slots=True)
class Seen:
    """What DNS and HTTP said of a name. A wildcard was not asked for: no address, no outcome."""

    name: str
    found: Addresses
    outcomes: tuple[Outcome, ...] = ()

    @property
    def wildcard(self) -> bool:
        return self.name.startswith("*.")

    @property
    def reached(self) -> bool:
        """Whether somebody may answer for it by HTTP; of other names the CAA records tell nothing more."""
        return bool(self.outcomes)

    @property
    def trouble(self) -> Finding | None:
        """Why http-01 would not validate it."""
        if self.wildcard:
            words = "a wildcard is validated by DNS (dns-01) only, not by HTTP"
            return Finding("wildcard_needs_dns", f"{self.name}: {words}")
        return combine(self.outcomes)[0] if self.outcomes else self.found.trouble

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return (*self.found.warnings, *(combine(self.outcomes)[1] if self.outcomes else ()))


def understood(some: Iterable[Seen], own: Iterable[str]) -> list[Seen]:
    """The same, with each trouble in the words of its cause. What one name teaches of this host's addresses, behind
    whatever router it stands, counts for all. `own`: the addresses of its interfaces."""
    seen = list(some)
    here = Here(frozenset(own)).learned(outcome for one in seen for outcome in one.outcomes)

    def outcomes(one: Seen) -> tuple[Outcome, ...]:
        return tuple(explained(one.name, outcome, here) for outcome in one.outcomes)

    return [replace(one, outcomes=outcomes(one)) for one in seen]


def method(seen: Seen, by_dns: ByDns | None) -> str:
    """By which the name will be validated, or would be if it could."""
    return "dns-01" if seen.wildcard or (by_dns and not by_dns.trouble) else "http-01"


def lasting_trouble(seen: Seen, by_dns: ByDns | None) -> Finding | None:
    """Why neither way would validate the name."""
    return by_dns.trouble if by_dns else seen.trouble


def concluded(seen: Seen, by_dns: ByDns | None, allowed: Permission | None, known_good: bool) -> Verdict:
    """The verdict, the gravest finding first: what CAA forbids helps no other way of validation."""
    troubles = [lasting_trouble(seen, by_dns)]
    if by_dns and not by_dns.possible and not seen.wildcard:
        troubles.insert(0, seen.trouble)
    resolves = not seen.found.gone or bool(by_dns and not by_dns.trouble)
    findings = [trouble for trouble in troubles if trouble]
    if allowed and allowed.finding and resolves:
        findings.insert(0, allowed.finding)
    warnings = [*seen.warnings, *(by_dns.remarks if by_dns else ()), *(allowed.remarks if allowed else ())]
    return conclude(
        seen.name, findings, warnings,
        method=method(seen, by_dns), resolves=resolves, known_good=known_good, seen=_told(seen, by_dns, allowed),
    )


def _told(seen: Seen, by_dns: ByDns | None, allowed: Permission | None) -> report.Report:
    return report.Report(
        seen.name,
        seen.found.seen,
        tuple(outcome.walk for outcome in beside_each_other(seen.outcomes)),
        _caa(allowed, method(seen, by_dns)) if allowed else None,
        report.ByDns(by_dns.trouble, by_dns.report) if by_dns else None,
        seen.warnings,
    )


def _caa(allowed: Permission, way: str) -> report.Caa:
    last = next((step for step in reversed(allowed.steps) if step.records), None)
    records = tuple(map(str, last.records)) if last else ()
    return report.Caa(way, last.owner if last else "", records, allowed.finding, allowed.record, allowed.remarks)
