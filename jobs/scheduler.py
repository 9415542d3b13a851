"""The clock: it says when, never what. Whatever it starts asks for work as rows, so nothing is lost if it misses.

APScheduler's defaults drop what comes a second late and what is still running; here late is better than never. It
waits for a time of day, so `keep` is called every second or so: it moves what the host's clock, set anew, would have
put off, and makes one call of all that were missed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from jobs.policy.tick import LONGEST

NIGHTLY, TICK, LOOK = "nightly", "tick", "look"
_DAY = timedelta(days=1, hours=3)
"""The longest time between two nights: one in which the clocks change, and some slack."""

_LATE = timedelta(seconds=90)
"""So late nothing begins, nor what is called more often a whole turn, unless the clock was set or the host slept."""


def local_time() -> datetime:
    return datetime.now().astimezone()


class Clock:
    """Calls `nightly` at `at`, in the host's own time zone, `tick` at its start and every ten minutes, and `look` more
    often than that where `keep` says so."""

    def __init__(
        self, at: time, nightly: Callable[[], None], tick: Callable[[], None], look: Callable[[], None]
    ) -> None:
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(job_defaults=defaults)
        self._scheduler.add_job(nightly, _nightly(at), id=NIGHTLY)
        self._scheduler.add_job(tick, _every(LONGEST), id=TICK, next_run_time=local_time())
        self._look, self._look_every = look, LONGEST

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Start nothing more; what is running is not waited for."""
        self._scheduler.shutdown(wait=False)

    def keep(self, every: timedelta) -> None:
        """Look so often from now on, the tick being a look as well; and mend what is not due when it should be."""
        if not self._scheduler.running:
            return
        if every != self._look_every:
            self._look_every = every
            if self._scheduler.get_job(LOOK):
                self._scheduler.remove_job(LOOK)
            if every < LONGEST:
                self._scheduler.add_job(self._look, _every(every), id=LOOK, next_run_time=local_time())
        now = local_time()
        for name, longest in ((NIGHTLY, _DAY), (TICK, LONGEST), (LOOK, every)):
            job = self._scheduler.get_job(name)
            if job is not None:
                _mend(job, now, longest)

    def move_nightly(self, at: time) -> None:
        self._scheduler.reschedule_job(NIGHTLY, trigger=_nightly(at))

    def next_nightly(self) -> datetime | None:
        """When the next nightly check begins (aware, local)."""
        job = self._scheduler.get_job(NIGHTLY)
        moment: datetime | None = None if job is None else job.next_run_time
        return moment


def _mend(job: Job, now: datetime, longest: timedelta) -> None:
    """What was missed runs now, once; what lies further ahead than its own interval is put where it belongs."""
    planned: datetime = job.next_run_time
    slack = min(longest, _LATE)
    if planned < now - slack:
        job.modify(next_run_time=now)
    elif planned > now + longest + slack:
        job.modify(next_run_time=job.trigger.get_next_fire_time(None, now) if job.id == NIGHTLY else now)


def _nightly(at: time) -> CronTrigger:
    return CronTrigger(hour=at.hour, minute=at.minute)


def _every(interval: timedelta) -> IntervalTrigger:
    return IntervalTrigger(seconds=interval.total_seconds())
