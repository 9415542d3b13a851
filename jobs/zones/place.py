"""Where the TXT values of dns-01 for a name stand: at its own `_acme-challenge`, or where a CNAME there leads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobs.abilities import keeps_for
from jobs.policy.delegation import CHALLENGE, challenge_name, delegation
from jobs.policy.finding import Finding
from jobs.preflight.resolver import Found, Lookup
from jobs.preflight.wire import Status
from jobs.zones.serving import Serving, Zones
from jobs.zones.shadowing import shadowed, synthesized

ELSEWHERE, NOT_YOURS = "dns01_delegated_elsewhere", "dns01_zone_not_yours"

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
        return await _delegated(lookup, zones, name, owner)
    if here is None:
        return Place(own)
    barred = zones.rights.why_not(name, here.zone)
    if barred:
        return Place(own, trouble=Finding(NOT_YOURS, f"{name}: it is not validated by DNS: {barred}"))
    return Place(own, here, await shadowed(lookup, own, name.removeprefix("*."), here.zone))


async def _delegated(lookup: Lookup, zones: Zones, name: str, owner: str) -> Place:
    """Whoever has the name says where its CNAME leads, and so may lead it to names of others. What is written at is the
    one name in the zone for challenges that is this name's, the name that a backend keeps for it, or the place for
    challenges of a name in a zone of the same account."""
    own, serving = challenge_name(name), zones.serving(owner, "TXT")
    if serving is None:
        words = f"{own} is a CNAME to {owner}, which {not_served(zones)}"
        return Place(owner, trouble=Finding(ELSEWHERE, words))
    wanted = delegation(name, zones.challenge_zone) if zones.challenge_zone else None
    if (wanted and owner == wanted.target) or keeps_for(serving.backend, owner, name):
        return Place(owner, serving)
    expected = f"; expected {wanted.target}" if wanted else ""
    if not owner.startswith(f"{CHALLENGE}."):
        words = f"{own} is a CNAME to {owner}, which is no name for the challenges of {name}{expected}"
        return Place(owner, trouble=Finding(NOT_YOURS, words))
    barred = zones.rights.why_not(name, serving.zone)
    if barred:
        return Place(owner, trouble=Finding(NOT_YOURS, f"{own} is a CNAME to {owner}: {barred}{expected}"))
    return Place(owner, serving, await shadowed(lookup, owner, owner.removeprefix(f"{CHALLENGE}."), serving.zone))


def not_served(zones: Zones) -> str:
    """Why no backend writes there, for the end of a sentence."""
    silent = "; ".join(f"{name} can't tell its zones: {failure.detail}" for name, failure in zones.troubles.items())
    return f"no DNS backend of this host serves{f' ({silent})' if silent else ''}"
