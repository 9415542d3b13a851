"""When a message that could not be handed over is tried again, and when it is given up (behaviour section 7)."""

from __future__ import annotations

from datetime import datetime, timedelta

from jobs.policy.retry import DAILY, STEPS

GIVEN_UP_AFTER = timedelta(days=7)
"""What was news a week ago is none, and the same problem is told anew by then if it lasts."""


def next_send(attempts: int, created: datetime, now: datetime) -> datetime | None:
    """After `attempts` tries (1 or more): 1, 10 and 100 minutes, then daily; None when it is given up."""
    wait = STEPS[attempts - 1] if attempts <= len(STEPS) else DAILY
    return None if is_stale(created, now + wait) else now + wait


def is_stale(created: datetime, now: datetime) -> bool:
    return now - created > GIVEN_UP_AFTER
