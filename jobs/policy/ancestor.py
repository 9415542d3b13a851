"""Ancestor DCV: a name that can't be validated itself passes through a domain above it that was (RFC 9444)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from jobs.policy.finding import Finding
from jobs.policy.names import parent
from jobs.policy.site import WantedName
from jobs.policy.verdict import CERTAIN, Verdict


def through_ancestors(
    wanted: Sequence[WantedName], verdicts: Mapping[str, Verdict], supported: bool
) -> dict[str, Verdict]:
    """The verdicts of one website's names, where the provider supports it with those that an ancestor makes good.

    The nearest domain above counts that the same website wants and that passed by itself. What the CA would refuse all
    the same (CAA) stays refused, a wildcard is validated by itself only, and a guess that does not exist is no name.
    """
    if not supported:
        return dict(verdicts)
    passed = {name.fqdn: verdicts[name.fqdn].method for name in wanted if _by_itself(name.fqdn, verdicts)}
    found = dict(verdicts)
    for name in wanted:
        verdict = verdicts.get(name.fqdn)
        above = _nearest(name.fqdn, passed)
        if verdict is None or verdict.passed or not above or name.fqdn.startswith("*."):
            continue
        if verdict.code not in CERTAIN and (name.own or verdict.resolves):
            instead = Finding(verdict.code, f"{verdict.text}; validated through {above}")
            found[name.fqdn] = replace(
                verdict, passed=True, method=passed[above], code="", text="", ancestor=above,
                warnings=(*verdict.warnings, instead),
            )
    return found


def _by_itself(name: str, verdicts: Mapping[str, Verdict]) -> bool:
    return name in verdicts and verdicts[name].passed and not name.startswith("*.")


def _nearest(name: str, passed: Mapping[str, str | None]) -> str:
    above = parent(name)
    while above and above not in passed:
        above = parent(above)
    return above
