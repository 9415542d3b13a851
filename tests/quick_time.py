"""Time in which waiting takes next to nothing, for what the ACME protocol waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tests.fault_proxy import Fault


class QuickTime:
    """Stands for the module `time`. `slept` is every wait of all threads, in seconds; it takes a few milliseconds.

    As far as deadlines go, a wait takes no longer than that either: a loaded machine must not make a healthy CA late.
    Only once time flies, each thread's time goes on by what it waits; `flown` are those waits.
    """

    def __init__(self, short: float = 0.005) -> None:
        self._short = short
        self.slept: list[float] = []
        self.flown: list[float] = []
        self._flies: Callable[[], bool] = lambda: False
        self._ends: dict[float, Callable[[], bool]] = {}
        self._own = threading.local()

    def flies_once(self, *faults: Fault) -> None:
        """Time flies once every one of these faults has been met, until it is mended."""
        self._flies = lambda: all(fault.met and not fault.mended for fault in faults)

    def lasts(self, seconds: float, until: Callable[[], bool]) -> None:
        """Each wait of exactly so long takes until that is true, for others have something to do meanwhile."""
        self._ends[seconds] = until

    def monotonic(self) -> float:
        ahead: float = getattr(self._own, "ahead", 0.0)
        return time.monotonic() + ahead

    def sleep(self, seconds: float) -> None:
        ended, latest = self._ends.get(seconds, lambda: True), time.monotonic() + seconds
        time.sleep(min(seconds, self._short))
        while not ended() and time.monotonic() < latest:
            time.sleep(self._short)
        self.slept.append(seconds)
        if self._flies():
            self._own.ahead = getattr(self._own, "ahead", 0.0) + seconds
            self.flown.append(seconds)


def make_quick(monkeypatch: pytest.MonkeyPatch, quick: QuickTime | None = None) -> QuickTime:
    quick = quick or QuickTime()
    for module in ("courses", "providers.protocol.polls", "providers.protocol.wire"):
        monkeypatch.setattr(f"jobs.{module}.time", quick)
    return quick
