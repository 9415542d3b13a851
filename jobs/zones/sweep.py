"""Takes away what a process that died has left in zones; only for who holds the work lock."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.policy.failure import Failure
from jobs.ports import Record
from jobs.zones import kept
from jobs.zones.serving import Zones
from jobs.zones.writing import BACKEND_DOWN, take


@dataclass(frozen=True, slots=True)
class Swept:
    """`taken` are gone; what else there was stays on the list, for the reasons in `troubles`."""

    taken: tuple[Record, ...] = ()
    troubles: tuple[Failure, ...] = ()


def sweep_challenges(zones: Zones) -> Swept:
    """Remove every challenge value on the list."""
    taken, troubles = [], []
    down: set[str] = set()
    for one in kept.left(kept.CHALLENGE):
        if one.backend in down:
            continue
        try:
            take(zones, one.record)
            taken.append(one.record)
        except Failure as failure:
            troubles.append(failure)
            if failure.code in BACKEND_DOWN:
                down.add(one.backend)
    return Swept(tuple(taken), tuple(troubles))
