"""What a server does without being asked: the clock, and one worker that performs queued checks."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time

import models
from jobs import queue
from jobs.config import Config, load
from jobs.policy.failure import Failure
from jobs.policy.options import minute_of_day
from jobs.scheduler import Clock
from jobs.wiring import checks, duties, options
from jobs.wiring.instance import Instance, choose, now, setting

LOOK_EVERY = 1.0
"""Seconds between two looks at the queue, for rows that another process inserted."""

NIGHTLY_SETTING = "nightly"
_LAST_MINUTE = 5 * 60 + 59
_log = logging.getLogger("autossl.background")


class Background:
    """Of one instance, in the one process that serves it. `stop` lets running work end its present step."""

    def __init__(self, instance: Instance) -> None:
        self._opened = instance
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work, name="worker", daemon=True)
        self._duties = duties.every_duty()
        with self._instance() as opened:
            at = nightly_time(opened.config)
        self.clock = Clock(at, self._nightly, self._tick)

    def recover(self) -> None:
        """See the duty of that name."""
        with self._instance() as instance:
            duties.recover(instance)

    def start(self) -> None:
        self.recover()
        self._worker.start()
        self.clock.start()

    def wake(self) -> None:
        """There is a new row: look now."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Begin nothing more, ask the running check to stop, and wait for it at most `timeout` seconds.

        What is still under way then is a row with its order's address, and is gone on with by the next process.
        """
        self._stopping.set()
        self._wake.set()
        self.clock.stop()
        with self._instance():
            stop_running(now())
        self._worker.join(timeout)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                with self._instance() as instance:
                    busy = self._one(instance)
            except Exception:  # noqa: BLE001 a worker that dies would be missed only when certificates expire
                _log.exception("the worker met something that nobody foresaw")
                busy = False
            if not busy:
                self._wake.wait(LOOK_EVERY)

    def _one(self, instance: Instance) -> bool:
        """Perform the next check; whether there was one."""
        row = queue.next_check(now())
        if row is None:
            return False
        try:
            checks.perform(instance, row, give_up=self._stopping.is_set)
        except Failure as failure:
            _log.warning("check %s: %s", row.key, failure)
        return True

    def _nightly(self) -> None:
        with self._instance() as instance:
            duties.ask(instance, None)
        self._wake.set()

    def _tick(self) -> None:
        """Everything that has a date (behaviour section 2)."""
        for name, duty in self._duties:
            try:
                with self._instance() as instance:
                    duty(instance)
            except Failure as failure:
                _log.warning("%s: %s", name, failure)
            except Exception:  # noqa: BLE001 the others have their turn all the same
                _log.exception("%s met something that nobody foresaw", name)
        self._wake.set()

    @contextmanager
    def _instance(self) -> Iterator[Instance]:
        """The instance with a connection of this thread's own, and the configuration as it is now."""
        with models.database.connection_context():
            yield replace(self._opened, config=load(self._opened.place.instance / "config.toml"))


def nightly_time(config: Config) -> time:
    """When the nightly check begins, local: as the options say, else a minute before 06:00, chosen once."""
    minute = minute_of_day(options.load(config).nightly)
    if minute is None:
        minute = setting(NIGHTLY_SETTING, None)
    if minute is None:
        minute = secrets.randbelow(_LAST_MINUTE + 1)
        choose(NIGHTLY_SETTING, minute)
    return time(int(minute) // 60, int(minute) % 60)


def stop_running(moment: datetime) -> bool:
    """Ask the running check to begin no further account; whether one is running."""
    running = models.Run.finished_at.is_null() & models.Run.stop_asked_at.is_null()
    return bool(models.Run.update(stop_asked_at=moment).where(running).execute())
