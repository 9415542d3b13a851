"""Where the TXT values of dns-01 for a name stand: at its own `_acme-challenge`, or where a CNAME there leads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobs.policy.delegation import challenge_name
from jobs.policy.finding import Finding
from jobs.preflight.resolver import Found, Lookup
from jobs.preflight.wire import Status
from jobs.zones.serving import Serving, Zones
from jobs.zones.shadowing import shadowed, synthesized

ELSEWHERE = "dns01_delegated_elsewhere"

_OWNER = re.compile(r"\A[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})+\Z")
"""Names of other people's zones come from outside; nothing else is ever written at."""


@dataclass(frozen=True, slots=True)
class Place:
    """`owner`: the name at which the value stands. `trouble` is set when DNS does not tell, when a CNAME leads out of
    what this host serves, or when a value there would take other names down. `serving` is None when no backend serves
    the owner; without a trouble the name's DNS is simply elsewhere."""

    owner: str
    serving: Serving | None = None
    trouble: Finding | None = None


async def challenge_place(lookup: Lookup, zones: Zones, name: str) -> Place:
    """Follow the CNAMEs of `_acme-challenge.NAME` (RFC 8555 section 8.4 lets the CA do so)."""
    own = challenge_name(name)
    if own is None:
        return Place(name, trouble=Finding("name_invalid", f"{name}: it is too long for validation by DNS"))
    found, here = await lookup.ask(own, "TXT"), zones.serving(own, "TXT")
    if here and found.trail and await synthesized(lookup, own, found):
        found = Found(Status.NO_DATA, own)  # a value beside the `*` takes nothing from it but this name
    if found.status is Status.LOOP:
        chain = " -> ".join((own, *found.trail))
        return Place(own, trouble=Finding("dns01_cname_loop", f"{name}: the CNAME records of {chain} never end"))
    owner = found.owner.lower()
    if found.status in (Status.SERVFAIL, Status.TIMEOUT) and here is None:
        return Place(own, trouble=Finding("dns01_lookup_failed", f"{name}: looking up {own}: {found.detail}"))
    if not _OWNER.match(owner):
        shown = owner.encode("unicode_escape").decode("ascii")[:80]
        return Place(own, trouble=Finding("dns01_cname_loop", f"{name}: {own} leads to {shown!r}, which is no name"))
    if owner != own:
        return await _delegated(lookup, zones, own, owner)
    base = name.removeprefix("*.")
    return Place(own, here, await shadowed(lookup, own, base, here.zone) if here else None)


async def _delegated(lookup: Lookup, zones: Zones, own: str, owner: str) -> Place:
    """In the zone for challenges nothing else is at home; anywhere else somebody's name may be at the very owner."""
    serving = zones.serving(owner, "TXT")
    if serving is None:
        words = f"{own} is a CNAME to {owner}, which {not_served(zones)}"
        return Place(owner, trouble=Finding(ELSEWHERE, words))
    chosen = zones.challenge_zone
    if chosen and (owner == chosen or owner.endswith(f".{chosen}")):
        return Place(owner, serving)
    return Place(owner, serving, await shadowed(lookup, owner, owner, serving.zone))


def not_served(zones: Zones) -> str:
    """Why no backend writes there, for the end of a sentence."""
    silent = "; ".join(f"{name} can't tell its zones: {failure.detail}" for name, failure in zones.troubles.items())
    return f"no DNS backend of this host serves{f' ({silent})' if silent else ''}"
