"""Records in zones that this host may change: which backend serves what, and what was put there."""

from jobs.zones.serving import NO_ZONES, Serving, Zones

__all__ = ["NO_ZONES", "Serving", "Zones"]
