"""Validation by DNS, tried before the CA is asked: a TXT value put, seen everywhere, and taken away again."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.ports import Record
from jobs.preflight.resolver import Lookup
from jobs.zones import Serving, Zones, kept
from jobs.zones.authoritative import Agreement, seen_everywhere
from jobs.zones.place import ELSEWHERE, NOT_YOURS, Place, challenge_place
from jobs.zones.writing import BACKEND_DOWN, put, take

TTL = 60
LONGEST_WAIT = 30.0
"""Seconds in which every authoritative server has to show the value."""

LONGEST_LOOK = 15.0
"""Seconds for finding out where the values of a name stand: its DNS may be anybody's, and slow on purpose."""

_LOOKED_UP_AT_ONCE, _WRITTEN_AT_ONCE = 64, 8


@dataclass(frozen=True, slots=True)
class ByDns:
    """The outcome for one name. `trouble` None: a CA would validate it by dns-01. `remarks`: what is odd about the
    name servers, and no trouble."""

    trouble: Finding | None
    report: tuple[str, ...] = ()
    remarks: tuple[Finding, ...] = ()

    @property
    def possible(self) -> bool:
        """Whether the name is one for dns-01 at all; else what HTTP has found tells more."""
        return self.trouble is None or self.trouble.code not in (ELSEWHERE, NOT_YOURS)


async def validate_by_dns(lookup: Lookup, zones: Zones, names: Collection[str], act: bool) -> dict[str, ByDns]:
    """Try the names that HTTP can't validate; one that no backend serves is absent from the answer.

    One value in each zone shows whether its backend writes and its name servers follow; what comes of it goes for the
    other names of the zone too, so that neither many names nor a name server that lags hold up everybody else. Each
    order proves it anew for each name. Without `act` nothing is written: what could be tried counts as passed.
    """
    if not zones:
        return {}
    proofs, gate = _Proofs(lookup, zones), asyncio.Semaphore(_LOOKED_UP_AT_ONCE)

    async def place_of(name: str) -> Place:
        async with gate:
            return await _place(lookup, zones, name)

    async def one(name: str) -> tuple[str, ByDns | None]:
        return name, await _tried(await place_of(name), proofs, act)

    found = await asyncio.gather(*map(one, names))
    return {name: tried for name, tried in found if tried is not None}


async def _place(lookup: Lookup, zones: Zones, name: str) -> Place:
    try:
        async with asyncio.timeout(LONGEST_LOOK):
            return await challenge_place(lookup, zones, name)
    except TimeoutError:
        words = f"{name}: looking up where its challenges are answered took over {LONGEST_LOOK:g} s"
        return Place(name, trouble=Finding("dns01_lookup_failed", words))


async def _tried(place: Place, proofs: _Proofs, act: bool) -> ByDns | None:
    if place.trouble:
        return ByDns(place.trouble)
    if place.serving is None:
        return None
    where = f"{place.owner} in {place.serving.zone}, by {place.serving.backend.name}"
    if not act:
        return ByDns(None, (f"DNS validation: not tried now; a value would be put at {where}",))
    at, seen = await proofs.of(place.serving, place.owner)
    told = tuple(f"DNS validation: {finding.text}" for finding in (*seen.against, *seen.remarks))
    if seen.against:
        return ByDns(seen.against[0], told, seen.remarks)
    shown = f"a value at {at} in {place.serving.zone}, by {place.serving.backend.name}"
    return ByDns(
        None, (f"DNS validation: {shown} was seen on every name server that answers for the zone", *told), seen.remarks
    )


class _Proofs:
    """What was found out of each zone in this run. Each is tried by one name at a time."""

    def __init__(self, lookup: Lookup, zones: Zones) -> None:
        self._lookup = lookup
        self._zones = zones
        self._gate = asyncio.Semaphore(_WRITTEN_AT_ONCE)
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._known: dict[tuple[str, str], tuple[str, Agreement]] = {}

    async def of(self, serving: Serving, owner: str) -> tuple[str, Agreement]:
        """(where it was tried, what came of it). A failure that may be of this one name is not taken for the zone's."""
        key = serving.backend.name, serving.zone
        async with self._turns[key]:
            if key not in self._known:
                record = Record(owner, "TXT", secrets.token_urlsafe(32), TTL)
                async with self._gate:
                    seen, general = await self._proven(serving, record)
                if not general:
                    return owner, seen
                self._known[key] = owner, seen
            return self._known[key]

    async def _proven(self, serving: Serving, record: Record) -> tuple[Agreement, bool]:
        """Put, look, take away in every outcome; and whether it goes for the whole zone.

        Who is cancelled waits for the thread that writes: else the value might be written after it was taken away.
        """
        seen, troubles, general = Agreement(), [], True
        putting = asyncio.ensure_future(asyncio.to_thread(put, serving, record, kept.CHALLENGE, None))
        try:
            await asyncio.shield(putting)
            seen = await seen_everywhere(self._lookup, record, True, LONGEST_WAIT)
        except Failure as failure:
            troubles.append(Finding(failure.code, failure.detail))
            general = failure.code in BACKEND_DOWN
        finally:
            await asyncio.wait([putting])
            try:
                await asyncio.to_thread(take, self._zones, record)
            except Failure as failure:  # it stays on the list, and is swept later; the zone is given no further one
                troubles.append(Finding(failure.code, failure.detail))
                general = True
        return Agreement((*seen.against, *troubles), seen.remarks), general
