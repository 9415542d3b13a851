"""When failed work is tried again: a table, nothing else (behaviour section 5)."""

from __future__ import annotations

from datetime import datetime, timedelta

STEPS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(minutes=100))
DAILY = timedelta(days=1)

POLLS = (
    (timedelta(days=1), timedelta(minutes=5)),
    (timedelta(days=2), timedelta(hours=1)),
    (timedelta(days=7), timedelta(days=1)),
)
"""Age of a parked order up to which it is polled that often; after the last it is given up."""


def next_try(attempts: int, now: datetime, lifetime: timedelta, *, permanent: bool = False) -> datetime:
    """When the work that failed `attempts` times (1 or more) is tried by itself again.

    Never later than a tenth of the certificate's lifetime, so that a short-lived one is not lost to patience.
    """
    wait = DAILY if permanent or attempts > len(STEPS) else STEPS[max(attempts, 1) - 1]
    return now + min(wait, lifetime / 10)


def next_poll(first_asked: datetime, now: datetime) -> datetime | None:
    """When a parked order is asked for again; None when it is given up."""
    age = now - first_asked
    for until, every in POLLS:
        if age < until:
            return now + every
    return None
