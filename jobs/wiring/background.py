"""What a server does without being asked: the clock, and one worker that performs queued checks."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from time import monotonic

import models
from jobs import queue
from jobs.config import Config, load
from jobs.letter import Renderer
from jobs.policy.failure import Failure
from jobs.policy.journal import Kind, about
from jobs.policy.options import minute_of_day
from jobs.policy.tick import LONGEST
from jobs.scheduler import Clock
from jobs.wiring import checks, duties, nightly, options, pace
from jobs.wiring.changes import Changes
from jobs.wiring.collecting import collect_now
from jobs.wiring.disk_words import disk_words
from jobs.wiring.instance import DATABASE, Instance, choose, config_path, now, setting
from jobs.wiring.performing import stop_running
from jobs.wiring.post import Post

LOOK_EVERY = 1.0
"""Seconds between two looks whether another process wrote into the database: it may have asked for a check."""

LOOK_ANYWAY = 15.0
"""Seconds between two looks at the queue where nobody wrote: a check may have been put off until now."""

STANDS_STILL = (6 * LONGEST).total_seconds()
"""So long after the last duty of a tick the clock does not work any more; one duty never takes nearly as long."""

NIGHTLY_SETTING, TICKED_SETTING = "nightly", "ticked"
_LAST_MINUTE = 5 * 60 + 59
_log = logging.getLogger("autossl.background")


class Background:
    """Of one instance, in the one process that serves it. `stop` lets running work end its present step."""

    def __init__(self, instance: Instance, render: Renderer | None = None) -> None:
        """`render`: of messages; without it none are sent from here."""
        self._opened = instance
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work, name="worker", daemon=True)
        self._post = None if render is None else Post(self._turn, render)
        self._duties = duties.every_duty()
        self._busy = False
        self._ticked: float | None = None
        self._troubles: dict[str, str] = {}
        with self._instance() as opened:
            at = nightly_time(opened.config)
        self.clock = Clock(at, self._nightly, self._tick, self._look)

    def recover(self) -> None:
        """See the duty of that name."""
        self._turn("taking over what dead processes left", duties.recover)

    def start(self) -> None:
        self.recover()
        self._worker.start()
        if self._post is not None:
            self._post.start()
        self._ticked = monotonic()
        self.clock.start()

    def stuck(self) -> str:
        """What of it works no more, in a word: `worker`, `post` or `clock`. Empty while all of it does, before `start`
        and from `stop` on. Asks nothing of the database."""
        if self._ticked is None or self._stopping.is_set():
            return ""
        if not self._worker.is_alive():
            return "worker"
        if self._post is not None and not self._post.is_alive():
            return "post"
        return "clock" if monotonic() - self._ticked > STANDS_STILL else ""

    def wake(self) -> None:
        """There is a new row: look now."""
        self._wake.set()
        if self._post is not None:
            self._post.wake()

    def stop(self, timeout: float) -> None:
        """Begin nothing more, ask the running check to stop, and wait for it at most `timeout` seconds.

        What is still under way then is a row with its order's address, and is gone on with by the next process.
        """
        self._stopping.set()
        self._wake.set()
        self.clock.stop()
        self._turn("asking the running check to stop", lambda _: stop_running(now()))
        ends = monotonic() + timeout
        self._worker.join(timeout)
        if self._post is not None:
            self._post.stop(max(ends - monotonic(), 0))

    def _work(self) -> None:
        changes = Changes(self._opened.place.instance / DATABASE)
        changes.seen()
        while not self._stopping.is_set():
            self._wake.clear()
            self._busy = False
            self._turn("looking at the queue", self._one)
            if not self._busy:
                self._rest(changes)
        changes.close()

    def _rest(self, changes: Changes) -> None:
        """Until there may be something in the queue: somebody called, or wrote, or a while has passed."""
        ends = monotonic() + LOOK_ANYWAY
        while not self._wake.wait(LOOK_EVERY) and monotonic() < ends:
            if changes.seen():
                return

    def _one(self, instance: Instance) -> None:
        """Perform the next check, if there is one."""
        self.clock.keep(pace.look_every(now()))
        row = queue.next_check(now())
        if row is None:
            return
        try:
            checks.perform(instance, row, give_up=self._stopping.is_set)
        except Failure as failure:
            _log.warning("check %s: %s", row.key, failure, extra=about(Kind.DUTY_FAILED, code=failure.code))
        collect_now()
        self._busy = True
        if self._post is not None:
            self._post.wake()

    def _nightly(self) -> None:
        self._turn("asking for the nightly check", nightly.ask)
        self._wake.set()

    def _tick(self) -> None:
        """Everything that has a date (behaviour section 2), and a nightly check that was missed: nobody was here at its
        time, or it could not be asked for."""
        first = ("asking for a nightly check that was missed", _ask_if_missed)
        for name, duty in (first, *self._duties, ("keeping the time of the tick", _keep_time)):
            self._turn(name, duty)
            self._ticked = monotonic()
        self.wake()

    def _look(self) -> None:
        """What is due only, between two ticks: certificates may live for less time than those take."""
        self._turn("asking for what is due", duties.ask_for_due)
        self._wake.set()

    def _turn(self, name: str, duty: duties.Duty) -> None:
        """One of them; the others have their turn whatever becomes of it. What fails is told once until it changes."""
        try:
            with disk_words(name), self._instance() as instance:
                duty(instance)
        except Failure as failure:
            if self._troubles.get(name) != failure.detail:
                _log.warning("%s: %s", name, failure, extra=about(Kind.DUTY_FAILED, code=failure.code))
            self._troubles[name] = failure.detail
        except Exception:  # noqa: BLE001 a worker that dies would be missed only when certificates expire
            extra = about(Kind.DUTY_FAILED, code="internal_error")
            _log.exception("%s met something that nobody foresaw", name, extra=extra)
        else:
            if self._troubles.pop(name, None) is not None:
                _log.info("%s: works again", name, extra=about(Kind.DUTY_WORKS))

    @contextmanager
    def _instance(self) -> Iterator[Instance]:
        """The instance with a connection of this thread's own, and the configuration as it is now."""
        with models.database.connection_context():
            yield replace(self._opened, config=load(config_path(self._opened.place.instance)))


def _ask_if_missed(instance: Instance) -> None:
    nightly.ask_if_missed(instance, nightly_time(instance.config))


def _keep_time(instance: Instance) -> None:
    """For other processes, and for the next one after this."""
    choose(TICKED_SETTING, now().isoformat())


def nightly_time(config: Config) -> time:
    """When the nightly check begins, local: as the options say, else a minute before 06:00, chosen once."""
    minute = minute_of_day(options.load(config).nightly)
    if minute is None:
        minute = setting(NIGHTLY_SETTING, None)
    if minute is None:
        minute = secrets.randbelow(_LAST_MINUTE + 1)
        choose(NIGHTLY_SETTING, minute)
    return time(int(minute) // 60, int(minute) % 60)


def coming(at: time, local: datetime) -> datetime:
    """The next moment at which the host's clocks, which show `local` (naive), show `at`; in UTC."""
    moment = datetime.combine(local.date(), at)
    return (moment if moment > local else moment + timedelta(days=1)).astimezone(UTC)
