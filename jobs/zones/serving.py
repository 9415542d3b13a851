"""Which DNS backend serves a name: several may be set up, and the longest zone wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.abilities import writes
from jobs.policy.failure import Failure
from jobs.policy.zone_rights import NO_RIGHTS, ZoneRights
from jobs.ports import DnsBackend


@dataclass(frozen=True, slots=True)
class Serving:
    """A backend, and the zone by which it holds a name."""

    backend: DnsBackend
    zone: str


class Zones:
    """The backends of one run. Of two that serve the same zone the first one is asked.

    A backend that can't tell its zones is passed over, and is in `troubles`: what it may serve counts as elsewhere.
    """

    def __init__(
        self, backends: Sequence[DnsBackend], challenge_zone: str = "", rights: ZoneRights = NO_RIGHTS
    ) -> None:
        """`challenge_zone`: the one into which other people's names are delegated. `rights`: for whose names a zone may
        be changed; what the run learns is added."""
        self._backends = tuple(backends)
        self.challenge_zone = challenge_zone
        self.rights = rights
        self.troubles: dict[str, Failure] = {}

    def __bool__(self) -> bool:
        return bool(self._backends)

    def serving(self, name: str, kind: str | None = None) -> Serving | None:
        """The backend that holds `name` (a leading `*.` is left out), or None. With `kind`, one that can write records
        of that kind there: of the backends that hold the longest zone, never one of a zone above it."""
        holding = self._holding(name.removeprefix("*."))
        longest = max((_labels(one.zone) for one in holding), default=0)
        return next(
            (one for one in holding if _labels(one.zone) == longest
             and (kind is None or writes(one.backend, name.removeprefix("*."), kind))),
            None,
        )

    def _holding(self, name: str) -> list[Serving]:
        found: list[Serving] = []
        for backend in self._backends:
            if backend.name in self.troubles:
                continue
            try:
                zone = backend.zone_for(name)
            except Failure as failure:
                self.troubles[backend.name] = failure
                continue
            if zone is not None:
                found.append(Serving(backend, zone))
        return found

    def by_name(self, backend: str, zone: str, name: str) -> Serving | None:
        """The backend of that name, where it still holds `name` by that very zone."""
        holding = self._holding(name.removeprefix("*."))
        return next((one for one in holding if one.backend.name == backend and one.zone == zone), None)


def _labels(zone: str) -> int:
    return zone.count(".") + 1 if zone else 0


NO_ZONES = Zones(())
