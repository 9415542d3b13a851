"""Whether a value at a name would take other names down: beside a wildcard, every name that exists shadows it.

A CNAME of somebody's `_acme-challenge` may lead anywhere in the zones of this host, also below the wildcard of another
customer; there a value would make names exist that `*` answered for until then (RFC 4592 section 2.2).
"""

from __future__ import annotations

import secrets

from jobs.policy.finding import Finding
from jobs.preflight.resolver import Lookup
from jobs.preflight.wire import Status
from jobs.zones.serving import Zones

_KINDS = ("A", "AAAA", "MX")


async def shadowed(lookup: Lookup, zones: Zones, owner: str, zone: str) -> Finding | None:
    """What a value at `owner` in `zone` would take down. In the zone for challenges nothing else is at home."""
    chosen = zones.challenge_zone
    if chosen and (owner == chosen or owner.endswith(f".{chosen}")):
        return None
    at = owner
    while at != zone and at.endswith(f".{zone}"):
        if await _by_wildcard(lookup, at):
            words = f"{at} is answered for by a wildcard record of {zone}; a value at {owner} would take it down"
            return Finding("dns01_wildcard_only", words)
        at = at.partition(".")[2]
    return None


async def _by_wildcard(lookup: Lookup, name: str) -> bool:
    """Whether the name owes an answer to `*`: a made-up sibling gets the same one."""
    sibling = f"{secrets.token_hex(8)}.{name.partition('.')[2]}"
    for kind in _KINDS:
        theirs = await lookup.ask(sibling, kind)
        if theirs.status is Status.FOUND:
            ours = await lookup.ask(name, kind)
            if set(map(str, ours.values)) == set(map(str, theirs.values)):
                return True
    return False
