"""Step 5: which names a certificate gets, and whether it is ordered at all (behaviour section 3, coverage).

The plan can be shown and refused: `--plan` prints it, and nothing was done until then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.policy.certificate import Certificate
from jobs.policy.decision import Action, Decision, Options, SiteFacts, waiting
from jobs.policy.due import deferral_ends, is_due
from jobs.policy.failure import LeftOff
from jobs.policy.names import covers, in_order
from jobs.policy.site import WantedName
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict

UNUSED = "guess_unused"
"""A guessed name that does not resolve: kept so that it is not tried every night, shown to nobody."""


@dataclass(frozen=True)
class Plan:
    """`names` are those of the certificate that will stand afterwards, in order; `unused` the silent guesses."""

    action: Action
    code: str
    reason: str
    names: tuple[str, ...]
    left_off: tuple[LeftOff, ...] = ()
    unused: tuple[LeftOff, ...] = ()
    defer_until: datetime | None = None
    urgency: float = 0.0


def needed_names(decision: Decision, facts: SiteFacts, now: datetime, options: Options) -> tuple[str, ...]:
    """The names worth a preflight: none unless an order is in question, and none whose backoff is running,
    except those that the present certificate secures."""
    if decision.action is not Action.ORDER:
        return ()
    secured = _secured(facts, now)
    return tuple(
        name.fqdn for name in facts.wanted if name.fqdn in secured or not waiting(facts, name.fqdn, now, options)
    )


def plan(
    decision: Decision, facts: SiteFacts, verdicts: Mapping[str, Verdict], specs: Specs, now: datetime, options: Options
) -> Plan:
    """The plan for one website; every choice of the coverage table is one branch."""
    left_off, unused = _sorted_out(facts, verdicts, now, options)
    stored_names = facts.stored.names if facts.stored else ()
    if decision.action is not Action.ORDER:
        return _without_order(decision, stored_names, left_off, unused)
    passed = [name for name in _fqdns(facts.wanted) if name in verdicts and verdicts[name].passed]
    secured = _secured(facts, now)
    lost = tuple(name for name in secured if name in _names_of(left_off) or name in _names_of(unused))
    stored = facts.stored
    valid = stored is not None and stored.not_after > now and not stored.weak
    if not passed:
        return _all_failed(stored if valid else None, (left_off, unused), stored_names, now)
    if lost and stored is not None and valid:
        return _with_loss(decision, facts, stored, passed, lost, (left_off, unused), specs, now)
    ordered = _ordered(decision, facts, passed, (left_off, unused), specs, now)
    gained = [name for name in ordered.names if not covers(stored_names, name)]
    if valid and stored is not None and not is_due(stored, now) and not gained:
        left_off = ordered.left_off
        why = f"nothing to gain: {_and_more(left_off)}" if left_off else "fine; no further name is in use"
        return Plan(Action.KEEP, "nothing_gained", why, stored_names, left_off, unused)
    return ordered


def _with_loss(
    decision: Decision,
    facts: SiteFacts,
    stored: Certificate,
    passed: Sequence[str],
    lost: tuple[str, ...],
    sorted_out: tuple[tuple[LeftOff, ...], tuple[LeftOff, ...]],
    specs: Specs,
    now: datetime,
) -> Plan:
    """A name that is secured now would not be on the next certificate."""
    left_off, unused = sorted_out
    blocking = ", ".join(lost)
    if not is_due(stored, now):
        words = f"kept, because {blocking} is secured now and would be lost; new names wait for it"
        return Plan(Action.KEEP, "coverage_blocked", words, stored.names, left_off, unused)
    until = deferral_ends(stored)
    if now < until:
        words = f"renewal deferred until {until:%Y-%m-%d %H:%M} UTC, because {blocking} would be lost"
        return Plan(Action.DEFER, "deferred", words, stored.names, left_off, unused, until)
    words = f"renewed without {blocking}: no more time to wait"
    reduced = Decision(Action.ORDER, "reduced_coverage", words, decision.urgency)
    return _ordered(reduced, facts, passed, sorted_out, specs, now)


def _ordered(
    decision: Decision,
    facts: SiteFacts,
    passed: Sequence[str],
    sorted_out: tuple[tuple[LeftOff, ...], tuple[LeftOff, ...]],
    specs: Specs,
    now: datetime,
) -> Plan:
    """The order, with the provider's cap applied to the names in their order."""
    left_off, unused = sorted_out
    names = in_order(passed, facts.website, _secured(facts, now), facts.main_domain)
    if specs.max_names is not None and len(names) > specs.max_names:
        words = f"more names than the provider's {specs.max_names} a certificate"
        left_off = (*left_off, *(LeftOff(name, "over_cap", words) for name in names[specs.max_names :]))
        names = names[: specs.max_names]
    return Plan(Action.ORDER, decision.code, decision.reason, names, left_off, unused, urgency=decision.urgency)


def _without_order(
    decision: Decision, stored: tuple[str, ...], left_off: tuple[LeftOff, ...], unused: tuple[LeftOff, ...]
) -> Plan:
    return Plan(decision.action, decision.code, decision.reason, stored, left_off, unused, urgency=decision.urgency)


def _sorted_out(
    facts: SiteFacts, verdicts: Mapping[str, Verdict], now: datetime, options: Options
) -> tuple[tuple[LeftOff, ...], tuple[LeftOff, ...]]:
    """(left off, unused guesses) among the wanted names."""
    left_off: list[LeftOff] = []
    unused: list[LeftOff] = []
    covered = facts.stored.names if facts.stored else ()
    for name in facts.wanted:
        verdict = verdicts.get(name.fqdn)
        reason = waiting(facts, name.fqdn, now, options) if verdict is None else None
        if verdict is not None and not verdict.passed:
            silent = not name.own and not verdict.resolves
            reason = LeftOff(name.fqdn, UNUSED if silent else verdict.code, verdict.text)
        if reason is None or (verdict is None and covers(covered, name.fqdn)):
            continue
        (unused if reason.code == UNUSED else left_off).append(reason)
    return tuple(left_off), tuple(unused)


def _secured(facts: SiteFacts, now: datetime) -> tuple[str, ...]:
    """Wanted names that the stored certificate covers while it is valid."""
    if facts.stored is None or facts.stored.not_after <= now:
        return ()
    return tuple(name for name in _fqdns(facts.wanted) if covers(facts.stored.names, name))


def _fqdns(wanted: Sequence[WantedName]) -> list[str]:
    return [name.fqdn for name in wanted]


def _names_of(left: Sequence[LeftOff]) -> set[str]:
    return {entry.name for entry in left}


def _all_failed(
    stored: Certificate | None,
    sorted_out: tuple[tuple[LeftOff, ...], tuple[LeftOff, ...]],
    names: tuple[str, ...],
    now: datetime,
) -> Plan:
    """Nothing is ordered. While a good certificate (`stored`) is far from its end, that is no failure."""
    left_off, unused = sorted_out
    why = f"no name can be validated: {_and_more(left_off)}" if left_off else "no name is in use"
    if stored is None or now >= deferral_ends(stored):
        return Plan(Action.BLOCKED, "all_names_failed", why, names, left_off, unused)
    if not is_due(stored, now):
        return Plan(Action.KEEP, "all_names_failed", f"kept; {why}", names, left_off, unused)
    until = deferral_ends(stored)
    words = f"renewal waits until {until:%Y-%m-%d %H:%M} UTC at most; {why}"
    return Plan(Action.DEFER, "deferred", words, names, left_off, unused, until)


def _and_more(left_off: Sequence[LeftOff]) -> str:
    more = f" (and {len(left_off) - 1} more)" if len(left_off) > 1 else ""
    return f"{left_off[0].text}{more}"
