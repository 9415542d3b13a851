"""For whose names a zone of this host may be changed.

Whoever gets a website onto this host names what he likes in it, and a DNS backend serves the zones of everybody. So a
record is only written for a name whose account has the zone: the website at the zone's very top is its own, and is
known to be here; or an administrator says whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from jobs.policy.delegation import CHALLENGE
from jobs.policy.names import parent


@dataclass(frozen=True, slots=True)
class ZoneRights:
    """`owners`: every name that a website lists, with its account. `assigned`: domains, with what is below them, that
    an administrator gave to an account. `proven`: names that were seen to lead to this host; what only DNS would prove
    is not among them."""

    owners: Mapping[str, str] = field(default_factory=dict)
    assigned: Mapping[str, str] = field(default_factory=dict)
    proven: frozenset[str] = frozenset()

    def with_proven(self, names: Iterable[str]) -> ZoneRights:
        return replace(self, proven=self.proven.union(names))

    def why_not(self, name: str, zone: str) -> str:
        """Why nothing may be written into `zone` for `name`; empty when it may. `zone` holds the name, or is where a
        CNAME leads."""
        account, zone = self.account_of(name), zone.removeprefix(f"{CHALLENGE}.")
        base = name.removeprefix("*.")
        below = base if base == zone or base.endswith(f".{zone}") else zone
        for at in _upwards(below, zone):
            if at in self.assigned:
                return "" if self.assigned[at] == account else f"{at} was given to another account"
        owner = self.owners.get(zone)
        if owner is None:
            return f"nobody on this host has the website {zone}, so that it is not known whose zone it is"
        if owner != account:
            return f"the zone {zone} is another account's"
        return "" if zone in self.proven else f"{zone} does not lead to this host, so that the zone may be another's"

    def shown_by(self, name: str, zone: str) -> str:
        """The name that has to lead to this host for `name` to have the zone; empty: that would not help."""
        top = zone.removeprefix(f"{CHALLENGE}.")
        return top if self.account_of(name) == self.owners.get(top) else ""

    def account_of(self, name: str) -> str:
        """Whose the name is: of what is listed, the nearest; a wildcard is who has the domain right below it."""
        at = name.removeprefix("*.")
        while at and at not in self.owners:
            at = parent(at)
        return self.owners.get(at, "")


def _upwards(name: str, zone: str) -> Iterator[str]:
    at = name
    while at != zone and at:
        yield at
        at = parent(at)
    yield zone


NO_RIGHTS = ZoneRights()
