"""Where the TXT values of dns-01 for a name stand: at its own `_acme-challenge`, or where a CNAME there leads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobs.policy.delegation import challenge_name
from jobs.policy.finding import Finding
from jobs.preflight.resolver import Lookup
from jobs.preflight.wire import Status
from jobs.zones.serving import Serving, Zones
from jobs.zones.shadowing import shadowed

_OWNER = re.compile(r"\A[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})+\Z")
"""Names of other people's zones come from outside; nothing else is ever written at."""


@dataclass(frozen=True, slots=True)
class Place:
    """`owner`: the name at which the value stands. `delegated`: a CNAME leads there. `trouble` is set when DNS does not
    tell, or when a value there would take other names down; `serving` is None when no backend serves the owner."""

    owner: str
    serving: Serving | None = None
    delegated: bool = False
    trouble: Finding | None = None


async def challenge_place(lookup: Lookup, zones: Zones, name: str) -> Place:
    """Follow the CNAMEs of `_acme-challenge.NAME` (RFC 8555 section 8.4 lets the CA do so)."""
    own = challenge_name(name)
    if own is None:
        return Place(name, trouble=Finding("name_invalid", f"{name}: it is too long for validation by DNS"))
    found = await lookup.ask(own, "TXT")
    if found.status is Status.LOOP:
        chain = " -> ".join((own, *found.trail))
        return Place(own, trouble=Finding("dns01_cname_loop", f"{name}: the CNAME records of {chain} never end"))
    owner = found.owner.lower()
    if found.status in (Status.SERVFAIL, Status.TIMEOUT) and zones.serving(own) is None:
        return Place(own, trouble=Finding("dns01_lookup_failed", f"{name}: looking up {own}: {found.detail}"))
    if not _OWNER.match(owner):
        shown = owner.encode("unicode_escape").decode("ascii")[:80]
        return Place(own, trouble=Finding("dns01_cname_loop", f"{name}: {own} leads to {shown!r}, which is no name"))
    serving = zones.serving(owner)
    if owner == own or serving is None:
        return Place(owner, serving, delegated=owner != own)
    return Place(owner, serving, True, await shadowed(lookup, zones, owner, serving.zone))
