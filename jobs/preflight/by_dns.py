"""Validation by DNS, tried before the CA is asked: a TXT value put, seen everywhere, and taken away again."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from jobs.policy.failure import Failure
from jobs.policy.verdict import Finding
from jobs.ports import Record
from jobs.preflight.resolver import Lookup
from jobs.preflight.wire import Status
from jobs.zones import Zones, kept
from jobs.zones.authoritative import seen_everywhere
from jobs.zones.place import Place, challenge_place
from jobs.zones.writing import put, take

TTL = 60
LONGEST_WAIT = 30.0
"""Seconds in which every authoritative server has to show the value."""

_AT_ONCE = 8
"""Names tried at a time."""


@dataclass(frozen=True, slots=True)
class ByDns:
    """The outcome for one name. `trouble` None: a CA would validate it by dns-01."""

    trouble: Finding | None
    report: tuple[str, ...] = ()


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
    if not place.delegated and await _only_through_wildcard(lookup, name):
        text = f"{name} exists only through the zone's wildcard record; a TXT record below it would take it down"
        return ByDns(Finding("dns01_wildcard_only", text))
    if not act:
        return ByDns(None, (f"DNS validation: not tried now; a value would be put at {where}",))
    findings = await _proven(lookup, zones, place, Record(place.owner, "TXT", secrets.token_urlsafe(32), TTL))
    if findings:
        return ByDns(findings[0], tuple(f"DNS validation: {finding.text}" for finding in findings))
    return ByDns(None, (f"DNS validation: a value at {where} was seen on every name server",))


async def _proven(lookup: Lookup, zones: Zones, place: Place, record: Record) -> list[Finding]:
    """Put, look, take away in every outcome; what is in the way as findings."""
    assert place.serving is not None
    findings: list[Finding] = []
    try:
        await asyncio.to_thread(put, place.serving, record, kept.CHALLENGE, None)
        findings = await seen_everywhere(lookup, place.serving.zone, record, True, LONGEST_WAIT)
    except Failure as failure:
        findings.append(Finding(failure.code, failure.detail))
    finally:
        try:
            await asyncio.to_thread(take, zones, record)
        except Failure as failure:  # it stays on the list, and is swept at the next start
            findings.append(Finding(failure.code, failure.detail))
    return findings


async def _only_through_wildcard(lookup: Lookup, name: str) -> bool:
    """Whether a made-up sibling gets the same answer: then the name may owe its own to `*` (RFC 4592)."""
    if name.startswith("*."):
        return False
    above = name.partition(".")[2]
    sibling = f"{secrets.token_hex(8)}.{above}"
    for kind in ("A", "AAAA"):
        theirs = await lookup.ask(sibling, kind)
        if theirs.status is Status.FOUND:
            ours = await lookup.ask(name, kind)
            return set(map(str, ours.values)) == set(map(str, theirs.values))
    return False
