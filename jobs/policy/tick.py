"""How often the clock looks for what is due: a matter of the shortest lifetime (behaviour section 2)."""

from __future__ import annotations

from datetime import timedelta

LONGEST = timedelta(minutes=10)
"""At most so long after its date, work that has one begins."""

SHORTEST = timedelta(seconds=3)
"""A check takes about so long by itself."""

_TICKS = 20
"""In a lifetime: two between the end of a deferral, when a tenth is left, and the certificate's own."""

AFFECTED = LONGEST * _TICKS
"""Certificates that live at least so long are content with the longest tick."""


def tick_every(shortest: timedelta | None) -> timedelta:
    """The time between two ticks where the shortest-lived certificate lives that long; None: there is none."""
    return LONGEST if shortest is None else max(SHORTEST, min(LONGEST, shortest / _TICKS))
