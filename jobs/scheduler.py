"""The clock: it says when, never what. Whatever it starts asks for work as rows, so nothing is lost if it misses.

APScheduler's defaults drop what comes a second late and what is still running; here late is better than never.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

NIGHTLY, TICK = "nightly", "tick"
TICK_EVERY = timedelta(minutes=10)
"""At most so long after its date, work that has one begins (behaviour section 2)."""


class Clock:
    """Calls `nightly` at `at`, in the host's own time zone, and `tick` at its start and every TICK_EVERY."""

    def __init__(self, at: time, nightly: Callable[[], None], tick: Callable[[], None]) -> None:
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(job_defaults=defaults)
        self._scheduler.add_job(nightly, _nightly(at), id=NIGHTLY)
        every = IntervalTrigger(seconds=int(TICK_EVERY.total_seconds()))
        self._scheduler.add_job(tick, every, id=TICK, next_run_time=datetime.now().astimezone())

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Start nothing more; what is running is not waited for."""
        self._scheduler.shutdown(wait=False)

    def move_nightly(self, at: time) -> None:
        self._scheduler.reschedule_job(NIGHTLY, trigger=_nightly(at))

    def next_nightly(self) -> datetime | None:
        """When the next nightly check begins (aware, local)."""
        job = self._scheduler.get_job(NIGHTLY)
        moment: datetime | None = None if job is None else job.next_run_time
        return moment


def _nightly(at: time) -> CronTrigger:
    return CronTrigger(hour=at.hour, minute=at.minute)
