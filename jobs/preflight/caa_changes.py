"""CAA records that this host puts into the zones it serves: decided for all names at once, and each written once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.policy.caa import Addition, CaaStep, CaaVerdict, judge
from jobs.policy.caa_addition import Renewal, always, amended, locks_out, missing, renewals, zone_text
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.options import CaaMode
from jobs.ports import Record
from jobs.preflight.resolver import Lookup
from jobs.zones import Serving, Zones, kept
from jobs.zones.authoritative import seen_everywhere
from jobs.zones.writing import put, take

TTL = 3600
"""Seconds, for a set that did not exist; one that does keeps its own."""

LONGEST_WAIT = 60.0
"""Seconds in which every authoritative server has to show a record."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Issuer:
    """The CA as CAA records name it: the domains that it recognizes, the URL of our account there, and those of the
    accounts that we had there before."""

    identities: tuple[str, ...]
    account_uri: str | None
    provider: str = ""
    former: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """One name: the sets on its way up, and what follows from them."""

    name: str
    method: str
    steps: tuple[CaaStep, ...]
    verdict: CaaVerdict

    @property
    def set(self) -> CaaStep | None:
        """The one that decides; None: no record stands anywhere, or a look-up failed."""
        return next((step for step in self.steps if step.records), None)


def judged(name: str, method: str, steps: tuple[CaaStep, ...], issuer: Issuer) -> Judged:
    verdict = judge(name, steps, issuer.identities, issuer.account_uri, method, issuer.former)
    return Judged(name, method, steps, verdict)


@dataclass(frozen=True, slots=True)
class Change:
    """One record that is written, and by whom; of a renewal, the former one goes once it stands. `only_ours`: from then
    on no other CA may issue there."""

    serving: Serving = field(compare=False)
    what: Addition | Renewal
    only_ours: bool = False

    @property
    def record(self) -> Record:
        new = self.what.new if isinstance(self.what, Renewal) else self.what.record
        return Record(self.what.owner, "CAA", zone_text(new), TTL)


@dataclass(frozen=True, slots=True)
class Done:
    """`failed`: why it was not written. `lagging`: what is wrong at the name servers that don't show it yet. `left`:
    why the former record could not be taken away."""

    failed: Finding | None = None
    lagging: tuple[Finding, ...] = ()
    left: Finding | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """`changes` and `why_not` (nothing is added to a served zone) by name; a name that needs neither is in none."""

    changes: Mapping[str, tuple[Change, ...]]
    why_not: Mapping[str, str]


def decide(
    names: Sequence[Judged], passing: Collection[str], zones: Zones, issuer: Issuer, mode: CaaMode
) -> Decided:
    """What is written where this host may, so that what is forbidden is allowed, and as `mode` says; for the names of
    `passing` only. Reads the list of what was put before."""
    if mode is CaaMode.NEVER or not zones:
        return Decided({}, {})
    changes: dict[str, tuple[Change, ...]] = {}
    after = []
    for one in (one for one in names if one.name in passing):
        renewed = _renewed(one, zones, issuer)
        changes[one.name] = tuple(renewed)
        steps = amended(one.steps, (), [change.what for change in renewed if isinstance(change.what, Renewal)])
        after.append(judged(one.name, one.method, steps, issuer) if renewed else one)
    why_not = {}
    for name, wanted in missing({one.name: one.verdict for one in after}).items():
        owner = wanted.owner if isinstance(wanted, Addition) else _owner(after, name)
        serving = zones.serving(owner, "CAA") if owner else None
        barred = zones.rights.why_not(name, serving.zone) if serving else ""
        if serving and isinstance(wanted, Addition) and not barred:
            changes[name] += (Change(serving, wanted),)
        elif serving:
            why_not[name] = wanted if isinstance(wanted, str) else barred
    if mode is CaaMode.ALWAYS:
        for one in after:
            changes[one.name] += tuple(_without_need(one, changes[one.name], zones, issuer))
    return Decided({name: some for name, some in changes.items() if some}, why_not)


def _renewed(one: Judged, zones: Zones, issuer: Issuer) -> list[Change]:
    found = renewals(one.set, issuer.identities, issuer.account_uri, issuer.former) if one.set else ()
    serving = zones.serving(one.set.owner, "CAA") if found and one.set else None
    if serving is None or zones.rights.why_not(one.name, serving.zone):
        return []
    return [Change(serving, renewal) for renewal in found]


def _owner(names: Sequence[Judged], name: str) -> str | None:
    found = next((one.set for one in names if one.name == name), None)
    return found.owner if found else None


def _without_need(one: Judged, needed: Collection[Change], zones: Zones, issuer: Issuer) -> list[Change]:
    """A record of ours that somebody took away is not put there again."""
    serving = zones.serving(one.name, "CAA")
    found = []
    for addition in always(one.steps, serving.zone if serving else None, issuer.identities):
        place = zones.serving(addition.owner, "CAA")
        there = {(change.what.owner, change.what.tag) for change in needed if isinstance(change.what, Addition)}
        if place is None or zones.rights.why_not(one.name, place.zone) or (addition.owner, addition.tag) in there:
            continue
        change = Change(place, addition, locks_out(one.set, addition))
        if not kept.known(change.record):
            found.append(change)
    return found


async def write_all(lookup: Lookup, zones: Zones, changes: Collection[Change], provider: str) -> dict[Change, Done]:
    """Write each change once, and wait until every name server shows it."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(change: Change) -> Done:
        async with gate:
            return await _write(lookup, zones, change, provider)

    wanted = list(dict.fromkeys(changes))
    return dict(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))


async def _write(lookup: Lookup, zones: Zones, change: Change, provider: str) -> Done:
    if isinstance(change.what, Renewal) and not await asyncio.to_thread(kept.known, _former(change.what)):
        return await _renewed_for_its_owner(lookup, zones, change, change.what)
    record = change.record
    listed = await asyncio.to_thread(kept.known, record)
    try:
        await asyncio.to_thread(put, change.serving, record, kept.CAA, provider)
    except Failure as failure:
        if not listed:  # whether it was written need not be known; what can't be undone stays on the list
            await _taken(zones, record)
        return Done(failed=Finding(failure.code, failure.detail))
    return await _settled(lookup, zones, change)


async def _renewed_for_its_owner(lookup: Lookup, zones: Zones, change: Change, renewal: Renewal) -> Done:
    """The former record is none of ours, so the new one is not either, from before it is written on: on the list, it
    would be taken away again after a crash, maybe as the last of its set, and then any CA might issue. So nothing is
    taken back when writing fails; whatever happens on the way, both records stand at worst, and the next run goes on.
    """
    await asyncio.to_thread(kept.forget, change.record)
    try:
        await asyncio.to_thread(change.serving.backend.add, change.record)
    except Failure as failure:
        return Done(failed=Finding(failure.code, failure.detail))
    return await _settled(lookup, zones, change)


async def _settled(lookup: Lookup, zones: Zones, change: Change) -> Done:
    """Once every name server shows the new record, the former one of a renewal goes."""
    lagging = (await seen_everywhere(lookup, change.record, True, LONGEST_WAIT)).against
    if lagging or not isinstance(change.what, Renewal):
        return Done(lagging=lagging)
    return Done(left=await _taken(zones, _former(change.what)))


def _former(renewal: Renewal) -> Record:
    return Record(renewal.owner, "CAA", zone_text(renewal.old), TTL)


async def _taken(zones: Zones, record: Record) -> Finding | None:
    try:
        await asyncio.to_thread(take, zones, record)
    except Failure as failure:
        return Finding(failure.code, failure.detail)
    return None
