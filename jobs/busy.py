"""Whether a processor's worth of this process's work is done already, so that more threads would only wait in turn."""

from __future__ import annotations

import time
from collections.abc import Callable

WINDOW = 0.1
"""Seconds over which it is measured."""

FULL = 0.9
"""Of one processor: CPython's threads share one, whatever the machine has."""


class Busy:
    """Not safe from several threads."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, used: Callable[[], float] = time.process_time
    ) -> None:
        self._clock, self._used = clock, used
        self._since, self._before = clock(), used()
        self._full = False

    def full(self) -> bool:
        """As it was in the last window, however many threads had to do with it."""
        now = self._clock()
        if now - self._since >= WINDOW:
            used = self._used()
            self._full = used - self._before >= FULL * (now - self._since)
            self._since, self._before = now, used
        return self._full
