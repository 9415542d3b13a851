"""How far a run is, kept in its row for whoever looks; and whether somebody asked it to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import models

EVERY = 0.2
"""Seconds between two writes. People look every two seconds, and a near CA issues for a dozen websites in one."""


class Progress:
    """Of one run; `run` is None for a plan, which nobody watches. Safe from several threads, each with a connection."""

    def __init__(self, run: models.Run | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._id = None if run is None else run.id
        self._clock, self._next = clock, 0.0
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._done = self._total = 0
        self._current: str | None = None

    def expect(self, total: int, done: int) -> None:
        """So many websites are in the run, and for so many of them nothing has to be ordered."""
        with self._lock:
            self._done, self._total = done, total
            self._keep()

    def begin(self, account: str) -> bool:
        """Whether a website of `account` may be begun: after a stop only accounts that were begun before are."""
        with self._lock:
            if account in self._begun:
                return True
            if self._stopping():
                return False
            self._begun.add(account)
            self._current = account
            self._keep_seldom()
        return True

    def finish_some(self, number: int) -> None:
        with self._lock:
            self._done = min(self._done + number, self._total)  # a website that is ordered anew counts once
            self._keep_seldom()

    def keep(self) -> None:
        """Write what is known now, for nothing else may come."""
        with self._lock:
            self._keep()

    def _stopping(self) -> bool:
        if self._id is None:
            return False
        asked = models.Run.select(models.Run.stop_asked_at).where(models.Run.id == self._id).tuples().first()
        return asked is not None and asked[0] is not None

    def _keep_seldom(self) -> None:
        if self._clock() >= self._next:
            self._keep()

    def _keep(self) -> None:
        if self._id is None:
            return
        self._next = self._clock() + EVERY
        values: dict[str, int | str] = {"total": self._total, "done": self._done}
        if self._current is not None:
            values["current"] = self._current
        models.Run.update(**values).where(models.Run.id == self._id).execute()
