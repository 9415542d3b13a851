"""Validation by DNS, tried before the CA is asked: a TXT value put, seen everywhere, and taken away again."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.ports import Record
from jobs.preflight.resolver import Lookup
from jobs.zones import Serving, Zones, kept
from jobs.zones.authoritative import Agreement, seen_everywhere
from jobs.zones.place import ELSEWHERE, challenge_place
from jobs.zones.writing import put, take

TTL = 60
LONGEST_WAIT = 30.0
"""Seconds in which every authoritative server has to show the value."""

_AT_ONCE = 8
"""Names tried at a time."""


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
        return self.trouble is None or self.trouble.code != ELSEWHERE


async def validate_by_dns(lookup: Lookup, zones: Zones, names: Collection[str], act: bool) -> dict[str, ByDns]:
    """Try the names that HTTP can't validate; one that no backend serves is absent from the answer.

    Without `act` nothing is written: what could be tried counts as passed.
    """
    if not zones:
        return {}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> tuple[str, ByDns | None]:
        async with gate:
            return name, await _try(lookup, zones, name, act)

    found = await asyncio.gather(*map(one, names))
    return {name: tried for name, tried in found if tried is not None}


async def _try(lookup: Lookup, zones: Zones, name: str, act: bool) -> ByDns | None:
    place = await challenge_place(lookup, zones, name)
    if place.trouble:
        return ByDns(place.trouble)
    if place.serving is None:
        return None
    where = f"{place.owner} in {place.serving.zone}, by {place.serving.backend.name}"
    if not act:
        return ByDns(None, (f"DNS validation: not tried now; a value would be put at {where}",))
    seen = await _proven(lookup, zones, place.serving, Record(place.owner, "TXT", secrets.token_urlsafe(32), TTL))
    told = tuple(f"DNS validation: {finding.text}" for finding in (*seen.against, *seen.remarks))
    if seen.against:
        return ByDns(seen.against[0], told, seen.remarks)
    shown = f"DNS validation: a value at {where} was seen on every name server that answers for the zone"
    return ByDns(None, (shown, *told), seen.remarks)


async def _proven(lookup: Lookup, zones: Zones, serving: Serving, record: Record) -> Agreement:
    """Put, look, take away in every outcome. A zone in which a value can't be taken away is given no further one.

    Who is cancelled waits for the thread that writes: else the value might be written after it was taken away.
    """
    seen, troubles = Agreement(), []
    putting = asyncio.ensure_future(asyncio.to_thread(put, serving, record, kept.CHALLENGE, None))
    try:
        await asyncio.shield(putting)
        seen = await seen_everywhere(lookup, record, True, LONGEST_WAIT)
    except Failure as failure:
        troubles.append(Finding(failure.code, failure.detail))
    finally:
        await asyncio.wait([putting])
        try:
            await asyncio.to_thread(take, zones, record)
        except Failure as failure:  # it stays on the list, and is swept later
            troubles.append(Finding(failure.code, failure.detail))
    return Agreement((*seen.against, *troubles), seen.remarks)
