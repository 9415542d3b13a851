"""Delegation of dns-01: the CNAME by which a name whose DNS is elsewhere is validated through a zone of this host.

The owner sets it once; from then on each challenge is answered in the zone that it leads to (RFC 8555 section 8.4 lets
the CA follow it).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from jobs.policy.site import InvalidName, hostname

CHALLENGE = "_acme-challenge"
LONGEST_NAME = 253
"""Characters of a name (RFC 1035 section 2.3.4, written without the final dot)."""

LONGEST_ZONE = 200
"""Characters of a challenge zone: so long that a hashed label always fits before it."""

_HASHED = 40


@dataclass(frozen=True, slots=True)
class Delegation:
    """`owner` is to be a CNAME to `target`; both without the final dot."""

    owner: str
    target: str

    def __str__(self) -> str:
        return f"{self.owner}. CNAME {self.target}."


def challenge_name(name: str) -> str | None:
    """Where the TXT values of dns-01 stand for `name` (a leading `*.` is left out); None: no name is so long."""
    owner = f"{CHALLENGE}.{name.removeprefix('*.')}"
    return owner if len(owner) <= LONGEST_NAME else None


def delegation(name: str, zone: str) -> Delegation | None:
    """What makes `name` independent of its outside DNS; None when the name is too long for dns-01.

    The target is the name itself below `zone`, so that a person sees whose it is; where that is too long, one label
    made from its hash. The two kinds never meet: a host name has a dot.
    """
    owner, base = challenge_name(name), name.removeprefix("*.")
    if owner is None:
        return None
    target = f"{base}.{zone}"
    if len(target) > LONGEST_NAME:
        target = f"{hashlib.sha256(base.encode()).hexdigest()[:_HASHED]}.{zone}"
    return Delegation(owner, target)


def zone_fault(text: str) -> str | None:
    """Why `text` can't be the challenge zone; None when it can, or when it is empty."""
    if not text:
        return None
    try:
        good = hostname(text)
    except InvalidName as error:
        return f"expected the name of a zone, got {text[:80]!r}: {error}"
    if good.startswith("*."):
        return "expected the name of a zone, not a wildcard"
    if good != text:
        return f"expected the name in lower case and without a final dot: {good}"
    if len(text) > LONGEST_ZONE:
        return f"expected at most {LONGEST_ZONE} characters, got {len(text)}; the names of websites stand before it"
    return None


def standing(wanted: Delegation, found: str | None, occupied: bool) -> tuple[bool, str]:
    """Whether the delegation is set, and how things are in a sentence.

    `found`: the target of the CNAME that stands at the owner now. `occupied`: other records stand there.
    """
    if found == wanted.target:
        return True, f"{wanted.owner} leads to {wanted.target}: it is set"
    if found is not None:
        return False, f"{wanted.owner} is a CNAME to {found}, not to {wanted.target}"
    if occupied:
        return False, f"{wanted.owner} holds other records, beside which no CNAME can stand; take them away first"
    return False, f"there is nothing at {wanted.owner} yet"
