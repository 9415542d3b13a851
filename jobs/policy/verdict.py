"""What the preflight found out about one name, and how its addresses' answers make one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CERTAIN = frozenset({"caa_forbids", "caa_critical", "wildcard_needs_dns", "name_invalid"})
"""Findings that a former success doesn't outweigh: the CA would refuse as well."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a CA would very probably validate `name` now, and if not, why.

    `method` is the validation method that passed ("http-01"); None when none did. `code` is a key of the catalogue
    in `problems.py`, `text` says it in words; both are empty when the name passed. `resolves` is False when the name
    does not exist or has no address: the one case that a former success doesn't outweigh. `warnings` are sentences
    for a person, each with its code at the end in brackets. `report` is what happened, one line a hop, fit to be
    logged; nothing that a server sent as a body is in it.
    """

    name: str
    passed: bool
    method: str | None
    code: str = ""
    text: str = ""
    resolves: bool = True
    warnings: tuple[str, ...] = ()
    report: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or odd: a code of the catalogue and a sentence."""

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} [{self.code}]"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The self-check at one address. `trouble` is None when the right answer came.

    `connected` is False when no connection to `address` came about, so that nobody answered there.
    """

    address: str
    trouble: Finding | None = None
    connected: bool = True
    warnings: tuple[Finding, ...] = ()
    report: tuple[str, ...] = ()

    @property
    def ipv6(self) -> bool:
        return ":" in self.address


def combine(outcomes: Sequence[Outcome]) -> tuple[Finding | None, tuple[Finding, ...]]:
    """Make one finding, and warnings, of what the addresses of a name answered. `outcomes` is not empty.

    A wrong answer anywhere fails the name: a CA asks one address of its own choice, and asks no second one after an
    answer. An address where nobody answers is forgiven while another one is right: CAs go from IPv6 to IPv4 after
    connection trouble, and only then.
    """
    warnings = [warning for outcome in outcomes for warning in outcome.warnings]
    wrong = [outcome for outcome in outcomes if outcome.trouble and outcome.connected]
    silent = [outcome for outcome in outcomes if outcome.trouble and not outcome.connected]
    good = [outcome for outcome in outcomes if not outcome.trouble]
    if wrong or not good:
        first, *rest = [outcome.trouble for outcome in (*wrong, *silent) if outcome.trouble]
        return first, _once([*warnings, *rest])
    for outcome in silent:
        words = outcome.trouble.text if outcome.trouble else ""
        if outcome.ipv6 and any(not other.ipv6 for other in good):
            warnings.append(Finding("stray_aaaa", f"{words}; CAs try IPv6 first and lose time there"))
        else:
            warnings.append(Finding("stray_address", f"{words}; a CA that picks this address fails"))
    return None, _once(warnings)


def conclude(
    name: str,
    findings: Sequence[Finding],
    warnings: Sequence[Finding],
    report: Sequence[str],
    *,
    method: str = "http-01",
    resolves: bool = True,
    known_good: bool = False,
) -> Verdict:
    """The verdict on `name` of what is wrong with it (`findings`, the gravest first).

    For a name that validated before, what may be this host's own view only warns; what is certain still fails.
    """
    certain = not resolves or any(finding.code in CERTAIN for finding in findings)
    if not findings or (known_good and not certain):
        said = _once([*findings, *warnings])
        return Verdict(name, True, method, warnings=tuple(map(str, said)), report=tuple(report))
    grave = sorted(findings, key=lambda finding: finding.code not in CERTAIN) if resolves else list(findings)
    rest = tuple(map(str, _once([*grave[1:], *warnings])))
    return Verdict(name, False, None, grave[0].code, grave[0].text, resolves, rest, tuple(report))


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(findings))
