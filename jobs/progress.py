"""How far a run is, kept in its row for whoever looks; and whether somebody asked it to stop."""

from __future__ import annotations

import threading

import models


class Progress:
    """Of one run; `run` is None for a plan, which nobody watches. Safe from several threads, each with a connection."""

    def __init__(self, run: models.Run | None = None) -> None:
        self._id = None if run is None else run.id
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._done = self._total = 0

    def expect(self, total: int, done: int) -> None:
        """So many websites are in the run, and for so many of them nothing has to be ordered."""
        with self._lock:
            self._done, self._total = done, total
        self._keep(total=total, done=done)

    def begin(self, account: str) -> bool:
        """Whether a website of `account` may be begun: after a stop only accounts that were begun before are."""
        with self._lock:
            known = account in self._begun
            if not known and self._stopping():
                return False
            self._begun.add(account)
        if not known:
            self._keep(current=account)
        return True

    def finish_some(self, number: int) -> None:
        if not number:
            return
        with self._lock:
            self._done = min(self._done + number, self._total)  # a website that is ordered anew counts once
            self._keep(done=self._done)

    def _stopping(self) -> bool:
        if self._id is None:
            return False
        asked = models.Run.select(models.Run.stop_asked_at).where(models.Run.id == self._id).tuples().first()
        return asked is not None and asked[0] is not None

    def _keep(self, **values: int | str) -> None:
        if self._id is not None:
            models.Run.update(**values).where(models.Run.id == self._id).execute()
