"""Takes away what a process that died has left in zones; only for who holds the work lock."""

from __future__ import annotations

from jobs.policy.failure import Failure
from jobs.zones import kept
from jobs.zones.serving import Zones
from jobs.zones.writing import take


def sweep_challenges(zones: Zones) -> list[Failure]:
    """Remove every challenge value on the list; what can't be removed stays on it, and is returned."""
    troubles = []
    for one in kept.left(kept.CHALLENGE):
        try:
            take(zones, one.record)
        except Failure as failure:
            troubles.append(failure)
    return troubles
