"""How many wrong sign-ins are let pass, and how long the next one then has to wait."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

FORGOTTEN_AFTER = timedelta(days=1)
"""After the last failure of its kind."""

TRUSTED_FOR = timedelta(days=30)
"""An address from which a user signed in is known for so long: guesses from elsewhere don't lock it out."""


@dataclass(frozen=True)
class Limit:
    """`free` failures cost nothing; the next ones `first`, twice `first` and so on, at most `longest`."""

    free: int
    first: timedelta
    longest: timedelta


LIMITS = {
    "pair": Limit(5, timedelta(minutes=1), timedelta(hours=1)),
    "address": Limit(20, timedelta(minutes=1), timedelta(hours=1)),
    "name": Limit(50, timedelta(minutes=1), timedelta(minutes=15)),
}
"""Of one name from one address, of any name from one address, of one name from any address."""


def blocked_until(kind: str, failures: int, last: datetime) -> datetime | None:
    """When the next attempt may be made after so many failures; None means that there is no wait."""
    limit = LIMITS[kind]
    beyond = failures - limit.free
    if beyond < 0:
        return None
    return last + min(limit.first * (1 << min(beyond, 20)), limit.longest)


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one, within which a host chooses freely."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
