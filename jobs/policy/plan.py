"""Step 5: which names a certificate gets, and whether it is ordered at all (behaviour section 3, coverage).

The plan can be shown and refused: `--plan` prints it, and nothing was done until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jobs.policy.certificate import Certificate
from jobs.policy.coverage import UNUSED, Selection, listed, secured_names, select, sorted_out, split_off
from jobs.policy.customer_words import for_owner
from jobs.policy.decision import Action, Decision, Options, SiteFacts, waiting, worth_keeping
from jobs.policy.due import deferral_ends, is_due
from jobs.policy.failure import LeftOff
from jobs.policy.foreign import would_lose
from jobs.policy.names import covers
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.policy.wildcard import candidates


@dataclass(frozen=True, slots=True)
class Plan:
    """`names` are those of the certificate that will stand afterwards, in order; `unused` the silent guesses;
    `remarks` tell each further choice in a sentence."""

    action: Action
    code: str
    reason: str
    names: tuple[str, ...]
    left_off: tuple[LeftOff, ...] = ()
    unused: tuple[LeftOff, ...] = ()
    defer_until: datetime | None = None
    urgency: float = 0.0
    remarks: tuple[str, ...] = ()


def needed_names(decision: Decision, facts: SiteFacts, now: datetime, options: Options) -> tuple[str, ...]:
    """The names worth a preflight: none unless an order is in question, and none whose backoff is running,
    except those that the present certificate secures."""
    if decision.action is not Action.ORDER:
        return ()
    secured = secured_names(facts, now)
    names = (*facts.names, *(name.fqdn for name in facts.elsewhere))
    return tuple(name for name in names if name in secured or not waiting(facts, name, now, options))


def needed_wildcards(
    decision: Decision, facts: SiteFacts, specs: Specs, allowed: bool, now: datetime, options: Options
) -> tuple[str, ...]:
    """The wildcards worth a preflight beside these names. `allowed`: the account may have some. A part has none: the
    website itself takes them."""
    if decision.action is not Action.ORDER or not (allowed and specs.wildcard) or facts.website.part_of:
        return ()
    names = (*facts.names, *(name.fqdn for name in facts.elsewhere))
    unused = {name for name, wait in facts.waits.items() if wait.code == UNUSED and waiting(facts, name, now, options)}
    return candidates(facts.names, [name for name in names if name not in unused], facts.barred, specs.max_names)


def plan(
    decision: Decision, facts: SiteFacts, verdicts: Mapping[str, Verdict], specs: Specs, now: datetime, options: Options
) -> Plan:
    """The plan for one website; every choice of the coverage table is one branch."""
    stored_names = facts.stored.names if facts.stored else ()
    if decision.action is not Action.ORDER:
        left_off, unused = sorted_out(facts, verdicts, specs, now, options)
        kept = (stored_names, (*left_off, *split_off(facts)), unused)
        return Plan(decision.action, decision.code, decision.reason, *kept, urgency=decision.urgency)
    facts, chosen = _together(facts, verdicts, specs, now, options)
    holds = worth_keeping(facts, now, options)
    if not chosen.names:
        return _all_failed(holds, chosen, stored_names, now)
    lost = would_lose(facts, chosen.names, now)
    if lost:
        words = f"kept what others installed, because {', '.join(lost)} is secured by it and would be lost"
        return Plan(Action.KEEP, "coverage_blocked", words, stored_names, chosen.left_off, chosen.unused)
    if chosen.lost and holds is not None:
        return _with_loss(decision, holds, chosen, verdicts, now)
    if holds is not None and not is_due(holds, now) and not chosen.gained:
        left_off = chosen.left_off
        why = f"nothing to gain: {_and_more(left_off)}" if left_off else "fine; no further name is in use"
        return Plan(Action.KEEP, "nothing_gained", why, stored_names, left_off, chosen.unused)
    return _order(decision, chosen, verdicts)


def _together(
    facts: SiteFacts, verdicts: Mapping[str, Verdict], specs: Specs, now: datetime, options: Options
) -> tuple[SiteFacts, Selection]:
    """The names of the website's parts come back to it, as soon as all of them have room (by a wildcard, say)."""
    chosen = select(facts, verdicts, specs, now, options)
    if not facts.elsewhere:
        return facts, chosen
    whole = replace(facts, wanted=(*facts.wanted, *facts.elsewhere), elsewhere=())
    everything = select(whole, verdicts, specs, now, options)
    back = all(covers(everything.names, name.fqdn) for name in facts.elsewhere)
    return (whole, everything) if back and not everything.over else (facts, chosen)


def _with_loss(
    decision: Decision, stored: Certificate, chosen: Selection, verdicts: Mapping[str, Verdict], now: datetime
) -> Plan:
    """A name that is secured now would not be on the next certificate."""
    blocking = ", ".join(chosen.lost)
    if set(chosen.lost) <= set(chosen.over):
        blocking = f"{blocking} (over the provider's limit)"
    if not is_due(stored, now):
        words = f"kept, because {blocking} is secured now and would be lost; new names wait for it"
        return Plan(Action.KEEP, "coverage_blocked", words, stored.names, chosen.left_off, chosen.unused)
    until = deferral_ends(stored)
    if now < until:
        words = f"renewal deferred until {until:%Y-%m-%d %H:%M} UTC, because {blocking} would be lost"
        return Plan(Action.DEFER, "deferred", words, stored.names, chosen.left_off, chosen.unused, until)
    words = f"renewed without {blocking}: no more time to wait"
    return _order(Decision(Action.ORDER, "reduced_coverage", words, decision.urgency), chosen, verdicts)


def _order(decision: Decision, chosen: Selection, verdicts: Mapping[str, Verdict]) -> Plan:
    return Plan(
        Action.ORDER,
        decision.code,
        decision.reason,
        chosen.names,
        chosen.left_off,
        chosen.unused,
        urgency=decision.urgency,
        remarks=tuple(_remarks(chosen, verdicts)),
    )


def _remarks(chosen: Selection, verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    for wildcard, replaced in chosen.replaced.items():
        yield f"{wildcard} stands for {_count(len(replaced))}: {listed(replaced)}"
    by_dns = [name for name in chosen.names if verdicts[name].method == "dns-01" and not verdicts[name].ancestor]
    if by_dns:
        yield f"validated by DNS (dns-01): {listed(by_dns)}"
    for name in chosen.names:
        if verdicts[name].ancestor:
            yield f"{name} is validated through {verdicts[name].ancestor}"


def _all_failed(stored: Certificate | None, chosen: Selection, names: tuple[str, ...], now: datetime) -> Plan:
    """Nothing is ordered. While a good certificate (`stored`) is far from its end, that is no failure."""
    left_off, unused = chosen.left_off, chosen.unused
    why = f"no name can be validated: {_and_more(left_off)}" if left_off else "no name is in use"
    if stored is None or now >= deferral_ends(stored):
        return Plan(Action.BLOCKED, "all_names_failed", why, names, left_off, unused)
    if not is_due(stored, now):
        return Plan(Action.KEEP, "all_names_failed", f"kept; {why}", names, left_off, unused)
    until = deferral_ends(stored)
    words = f"renewal waits until {until:%Y-%m-%d %H:%M} UTC at most; {why}"
    return Plan(Action.DEFER, "deferred", words, names, left_off, unused, until)


def _and_more(left_off: Sequence[LeftOff]) -> str:
    """Of the first one, in words that the website's owner may read as well: what he may not stands at the name."""
    first, more = left_off[0], f" (and {len(left_off) - 1} more)" if len(left_off) > 1 else ""
    words = for_owner(first.code, first.text)
    return f"{words.detail or f'{first.name}: {words.title}'}{more}"


def _count(number: int) -> str:
    return "1 name" if number == 1 else f"{number} names"
