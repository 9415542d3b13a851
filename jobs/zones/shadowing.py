"""Whether a value at a name would take other names down: beside a wildcard, every name that exists shadows it.

A value at `_acme-challenge.NAME` makes NAME exist, and every name between it and the zone; what `*` answered for until
then has no address any more (RFC 4592 section 2.2). A CNAME of somebody's `_acme-challenge` may moreover lead anywhere
in the zones of this host, also below the wildcard of another customer.
"""

from __future__ import annotations

import asyncio
import secrets

from jobs.policy.finding import Finding
from jobs.preflight.resolver import Found, Lookup
from jobs.preflight.wire import Status

_KINDS = ("A", "AAAA", "MX")
_UNKNOWN = (Status.SERVFAIL, Status.TIMEOUT)


async def shadowed(lookup: Lookup, owner: str, first: str, zone: str) -> Finding | None:
    """What a value at `owner` in `zone` would take down: `first`, or a name between it and the zone's apex. Where DNS
    does not tell, nothing may be written."""
    at = first
    while at != zone and at.endswith(f".{zone}"):
        trouble = await _by_wildcard(lookup, at, owner, zone)
        if trouble:
            return trouble
        at = at.partition(".")[2]
    return None


async def synthesized(lookup: Lookup, name: str, found: Found) -> bool:
    """Whether the CNAME that stands in the answer for `name` is none of its own, but of the `*` beside it."""
    sibling = await lookup.ask(_sibling(name), "TXT")
    return bool(found.trail) and sibling.trail[:1] == found.trail[:1]


async def _by_wildcard(lookup: Lookup, name: str, owner: str, zone: str) -> Finding | None:
    """Whether the name owes an answer to `*`: a made-up sibling gets the same one."""
    sibling = _sibling(name)
    for kind in _KINDS:
        theirs, ours = await asyncio.gather(lookup.ask(sibling, kind), lookup.ask(name, kind))
        unknown = [one for one in (theirs, ours) if one.status in _UNKNOWN and not one.trail]
        if unknown and (theirs in unknown or _answers(theirs)):
            words = f"whether {name} exists only through a wildcard record of {zone} can't be told: {unknown[0].detail}"
            return Finding("dns01_lookup_failed", words)
        if _answers(theirs) and _same(theirs, ours):
            words = f"{name} exists only through a wildcard record of {zone}; a value at {owner} would take it down"
            return Finding("dns01_wildcard_only", words)
    return None


def _answers(found: Found) -> bool:
    return found.status is Status.FOUND or bool(found.trail)


def _same(theirs: Found, ours: Found) -> bool:
    """Behind a CNAME each answer may have other addresses, so that the CNAME itself counts."""
    if theirs.trail or ours.trail:
        return theirs.trail[:1] == ours.trail[:1]
    return set(map(str, theirs.values)) == set(map(str, ours.values))


def _sibling(name: str) -> str:
    return f"{secrets.token_hex(8)}.{name.partition('.')[2]}"
