"""What the preflight found out about one name, and how its addresses' answers make one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jobs.policy.finding import Finding
from jobs.policy.preflight_report import Hop, Report, Walk

CERTAIN = frozenset({
    "caa_forbids", "caa_forbids_everyone", "caa_conditions", "caa_account_changed", "caa_malformed", "caa_critical",
    "wildcard_needs_dns", "name_invalid",
})
"""Findings that a former success doesn't outweigh: the CA would refuse as well."""

UNSURE = frozenset({"http_hairpin_nat"})
"""Findings that tell nothing of what a CA, which comes from outside, will find."""

INSIDE = "address_inside"
"""An address that is out of the Internet's reach and none of this host's. Its words never change, whatever is there."""

_SOMEBODY_ELSE = frozenset(
    {"http_status", "http_wrong_content", "http_too_large", "http_bad_answer", "http_other_server", "http_cdn_in_front"}
)
"""An answer that is not ours."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a CA would very probably validate `name` now, and if not, why.

    `method` is the validation method that passed ("http-01"); None when none did. `code` is a key of the catalogue
    in `problems.py`, `text` says it in words; both are empty when the name passed. `resolves` is False when the name
    does not exist or has no address: the one case that a former success doesn't outweigh. `seen` is what happened,
    step by step; nothing that a server sent as a body is in it. `ancestor` is the domain above through which it
    passed, where it did not by itself (RFC 9444).
    """

    name: str
    passed: bool
    method: str | None
    code: str = ""
    text: str = ""
    resolves: bool = True
    warnings: tuple[Finding, ...] = ()
    seen: Report | None = None
    ancestor: str = ""

    @property
    def report(self) -> tuple[str, ...]:
        """What was seen, as lines for a log."""
        return self.seen.lines if self.seen else ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The self-check at one address. `trouble` is None when the right answer came.

    `connected` is False when no connection to `address` came about, so that nobody answered there.
    """

    address: str
    trouble: Finding | None = None
    connected: bool = True
    warnings: tuple[Finding, ...] = ()
    hops: tuple[Hop, ...] = ()

    @property
    def ipv6(self) -> bool:
        return ":" in self.address

    @property
    def walk(self) -> Walk:
        """As the report tells it."""
        return Walk(self.address, self.trouble, self.hops)


def combine(outcomes: Sequence[Outcome]) -> tuple[Finding | None, tuple[Finding, ...]]:
    """Make one finding, and warnings, of what the addresses of a name answered. `outcomes` is not empty.

    A wrong answer anywhere fails the name: a CA asks one address of its own choice, and asks no second one after an
    answer. An address where nobody answers is forgiven while another one is right: CAs go from IPv6 to IPv4 after
    connection trouble, and only then. What only this host's place in the net may explain (UNSURE) is no failure.
    """
    compared = beside_each_other(outcomes)
    warnings = [warning for outcome in compared for warning in outcome.warnings]
    wrong = [outcome.trouble for outcome in compared if outcome.trouble and outcome.connected]
    silent = [outcome.trouble for outcome in compared if outcome.trouble and not outcome.connected]
    silent.sort(key=lambda trouble: trouble.code not in UNSURE)
    good = any(not outcome.trouble for outcome in compared)
    if wrong or not (good or silent[0].code in UNSURE):
        first, *rest = [*wrong, *silent]
        return first, _once([*warnings, *rest])
    return None, _once([*warnings, *silent])


def beside_each_other(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The same outcomes; where one address is right, what is wrong at another one is that the name has it."""
    good = [outcome for outcome in outcomes if not outcome.trouble]
    four_is_right = any(not outcome.ipv6 for outcome in good)
    six_alone = four_is_right and all(outcome.ipv6 for outcome in outcomes if outcome.trouble and outcome.connected)

    def said(outcome: Outcome, trouble: Finding) -> Finding:
        if trouble.code == INSIDE:
            return trouble
        if outcome.connected:
            words = "by IPv4 the right answer comes, but CAs try IPv6 first"
            elsewhere = six_alone and trouble.code in _SOMEBODY_ELSE
            return Finding("ipv6_elsewhere", f"{trouble.text}; {words}") if elsewhere else trouble
        if outcome.ipv6 and four_is_right:
            return Finding("stray_aaaa", f"{trouble.text}; CAs try IPv6 first and lose time there")
        return Finding("stray_address", f"{trouble.text}; a CA that picks this address fails")

    return tuple(
        replace(outcome, trouble=said(outcome, outcome.trouble)) if good and outcome.trouble else outcome
        for outcome in outcomes
    )


def conclude(
    name: str,
    findings: Sequence[Finding],
    warnings: Sequence[Finding] = (),
    *,
    method: str = "http-01",
    resolves: bool = True,
    known_good: bool = False,
    seen: Report | None = None,
) -> Verdict:
    """The verdict on `name` of what is wrong with it (`findings`, the gravest first).

    For a name that validated before, what may be this host's own view only warns; what is certain still fails.
    """
    certain = not resolves or any(finding.code in CERTAIN for finding in findings)
    if not findings or (known_good and not certain):
        return Verdict(name, True, method, warnings=_once([*findings, *warnings]), seen=seen)
    grave = sorted(findings, key=lambda finding: finding.code not in CERTAIN) if resolves else list(findings)
    rest = _once([*grave[1:], *warnings])
    return Verdict(name, False, None, grave[0].code, grave[0].text, resolves, rest, seen)


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(findings))
