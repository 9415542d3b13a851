"""Waits until a server that was told to change has changed."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.policy.failure import Failure

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.5


def settled(seconds: float, trouble: Callable[[], Failure | None]) -> Failure | None:
    """Ask until there is no trouble; the last one when `seconds` have passed."""
    pause, end = _FIRST_PAUSE, time.monotonic() + seconds
    while (found := trouble()) is not None and time.monotonic() < end:
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return found
