"""Which of a website's wanted names the next certificate has, which it lacks and why: what a plan is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jobs.policy.certificate import Certificate
from jobs.policy.decision import WEB_SERVICES, Options, SiteFacts, touchable, waiting
from jobs.policy.failure import LeftOff
from jobs.policy.names import covers, in_order
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.policy.wildcard import below, substitute

UNUSED = "guess_unused"
"""A guessed name that does not resolve: kept so that it is not tried every night, shown to nobody."""

OVER_CAP, SPLIT_OFF = "over_cap", "split_off"


@dataclass(frozen=True)
class Selection:
    """`names` are those of the next certificate, in order, and `replaced` its wildcards with the names that each stands
    for. `lost`: names that are secured now and would not be on it, because they failed or, if also in `over`, because
    there are too many. `gained`: names that the present certificate lacks. `unused`: guesses that nobody uses."""

    names: tuple[str, ...]
    replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_off: tuple[LeftOff, ...] = ()
    unused: tuple[LeftOff, ...] = ()
    over: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()


def select(
    facts: SiteFacts, verdicts: Mapping[str, Verdict], specs: Specs, now: datetime, options: Options
) -> Selection:
    """Choose the names of the next certificate from those that passed."""
    failing, unused = sorted_out(facts, verdicts, specs, now, options)
    silent = {entry.name for entry in unused}
    refused = {entry.name for entry in failing}
    passed = [name for name in facts.names if name in verdicts and verdicts[name].passed and name not in refused]
    passed += [name for name in facts.ordered if name.startswith("*.") and _ours_to_have(facts, name, specs)]
    secured = secured_names(facts, now)
    ordered = in_order(passed, facts.website, secured, facts.main_domain)
    in_use = [name for name in facts.names if name not in silent]
    usable = {
        name for name, verdict in verdicts.items()
        if name.startswith("*.") and verdict.passed and _ours_to_have(facts, name, specs) and name not in facts.names
    }
    names, replaced, over = _within(ordered, in_use, usable, specs.max_names)
    stored = facts.stored.names if facts.stored else ()
    words = _over_words(facts, specs, now, options)
    return Selection(
        names,
        replaced,
        (
            *(entry for entry in failing if not covers(names, entry.name)),
            *(LeftOff(name, OVER_CAP, words) for name in over),
            *split_off(facts),
        ),
        tuple(entry for entry in unused if not covers(names, entry.name)),
        over,
        tuple(name for name in secured if not covers(names, name) and (name in stored or name not in silent)),
        tuple(name for name in in_use if covers(names, name) and not covers(stored, name)),
    )


def sorted_out(
    facts: SiteFacts, verdicts: Mapping[str, Verdict], specs: Specs, now: datetime, options: Options
) -> tuple[tuple[LeftOff, ...], tuple[LeftOff, ...]]:
    """(left off, unused guesses) among the wanted names, one by one."""
    left_off: list[LeftOff] = []
    unused: list[LeftOff] = []
    covered = facts.stored.names if facts.stored else ()
    for name in facts.wanted:
        verdict = verdicts.get(name.fqdn)
        reason = waiting(facts, name.fqdn, now, options) if verdict is None else None
        if verdict is not None and not verdict.passed:
            silent = not name.own and not verdict.resolves
            reason = LeftOff(name.fqdn, UNUSED if silent else verdict.code, verdict.text)
        if name.fqdn.startswith("*."):
            reason = _no_wildcard(facts, name.fqdn, specs) or reason
        if reason is None or (verdict is None and covers(covered, name.fqdn)):
            continue
        (unused if reason.code == UNUSED else left_off).append(reason)
    return tuple(left_off), tuple(unused)


def secured_names(facts: SiteFacts, now: datetime) -> tuple[str, ...]:
    """Wanted names that the stored certificate covers while it is valid."""
    if facts.stored is None or facts.stored.not_after <= now or facts.stored.revoked_at is not None:
        return ()
    return tuple(name for name in facts.names if covers(facts.stored.names, name))


def split_off(facts: SiteFacts) -> tuple[LeftOff, ...]:
    """Names of the website itself that its parts have: where a web server has to do with it, they lack a certificate
    there, for it presents one a website."""
    stored: Certificate | None = facts.stored
    if not any(service in facts.presented for service in WEB_SERVICES):
        return ()
    words = f"on a further certificate for {listed(facts.several)} only; the web server presents one a website"
    return tuple(
        LeftOff(name.fqdn, SPLIT_OFF, f"{name.fqdn} is {words}") for name in facts.elsewhere
        if name.own and not (stored and covers(stored.names, name.fqdn))
    )


def holders(facts: SiteFacts, now: datetime, options: Options) -> tuple[str, ...]:
    """The services that a further certificate of the website may be installed on."""
    return tuple(name for name in facts.several if touchable(facts, name, now, options))


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _within(
    ordered: Sequence[str], in_use: Sequence[str], usable: set[str], cap: int | None
) -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """(names, what wildcards replaced, names over the cap). A wildcard that would be cut off, or its base,
    is not taken at all: its names have a better chance each by itself."""
    listed: list[str] = []
    while True:
        chosen = substitute(ordered, in_use, usable, cap)
        names, over = (chosen.names, ()) if cap is None else (chosen.names[:cap], chosen.names[cap:])
        cut = {name for name in over if name.startswith("*.")}
        cut |= {name for name in names if name in usable and not covers(names, name[2:])}
        if not cut:
            return names, {name: below(name[2:], in_use) for name in chosen.replaced}, (*over, *listed)
        listed += [name for name in ordered if name in cut]
        ordered = [name for name in ordered if name not in cut]
        usable = usable - cut


def _ours_to_have(facts: SiteFacts, wildcard: str, specs: Specs) -> bool:
    return specs.wildcard and wildcard[2:] in facts.names and wildcard[2:] not in facts.barred


def _no_wildcard(facts: SiteFacts, name: str, specs: Specs) -> LeftOff | None:
    """Why a wildcard that the website lists can't be ordered, whatever DNS says."""
    if not specs.wildcard:
        return LeftOff(name, "wildcard_unsupported", f"{name}: {specs.title} issues no wildcards")
    why = facts.barred.get(name[2:])
    return LeftOff(name, "wildcard_barred", f"{name}: {why}") if why else None


def _over_words(facts: SiteFacts, specs: Specs, now: datetime, options: Options) -> str:
    words = f"more names than the provider's {specs.max_names} a certificate"
    services = holders(facts, now, options)
    return f"{words}; it goes onto a further one, for {listed(services)} only" if services else words
