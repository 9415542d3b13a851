"""Whether a nightly check was missed: its time came while no process was there to ask for it."""

from __future__ import annotations

from datetime import datetime, time, timedelta

GRACE = timedelta(minutes=5)
"""After its time the clock has its turn first."""

NIGHT_TO_NIGHT = timedelta(hours=24)

_CLOCKS_CHANGE = timedelta(hours=1)
"""`local` has the offset of now, which the night before need not have had."""


def missed(last: datetime, at: time, local: datetime) -> bool:
    """Whether the newest nightly time is past for which nobody has asked. `last`: when a nightly check was asked for
    last (aware); `at`: the time of day at which one begins; `local`: now, aware, in the host's own time zone.

    One that was asked for within a day is enough, whatever the time was moved to since.
    """
    if local - last < NIGHT_TO_NIGHT:
        return False
    begun = local - GRACE
    newest = datetime.combine(begun.date(), at, begun.tzinfo)
    if newest > begun:
        newest -= timedelta(days=1)
    return last < newest - _CLOCKS_CHANGE
