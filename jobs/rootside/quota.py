"""How often what the other side can bring about may happen: a stock that is used up, and comes back with time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

Clock = Callable[[], float]


class Quota:
    """`burst` at once, and one more every `seconds`. Threads may share it."""

    def __init__(self, burst: int, seconds: float, clock: Clock = time.monotonic) -> None:
        self._burst, self._seconds, self._clock = burst, seconds, clock
        self._lock = threading.Lock()
        self._left, self._at = float(burst), clock()

    def take(self) -> float:
        """Take one, and return 0; while there is none, take nothing, and return the seconds until there is."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._at) / self._seconds)
            self._at = now
            if self._left < 1:
                return (1 - self._left) * self._seconds
            self._left -= 1
            return 0.0


class FewLines(logging.Filter):
    """A journal that anybody may fill tells nothing any more. What was left out is counted in the next line."""

    def __init__(self, quota: Quota) -> None:
        super().__init__()
        self._quota = quota
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if self._quota.take():
            self._left_out += 1
            return False
        if self._left_out:
            record.msg, record.args = f"{record.getMessage()} ({self._left_out} lines before this were left out)", ()
            self._left_out = 0
        return True
