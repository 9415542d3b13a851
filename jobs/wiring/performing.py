"""A queued check, claimed and performed by one process of the instance; the others wait, and tell what it found."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import models
from jobs import queue, records, runlog
from jobs.crash_points import edges
from jobs.heartbeat import beating
from jobs.policy.failure import Failure
from jobs.policy.notify_run import is_lasting
from jobs.wiring.disk_words import PASSING, disk_words, pause
from jobs.wiring.instance import Instance, now
from jobs.wiring.run_telling import tell_of_early_end
from jobs.wiring.setup import LOCK
from jobs.world import Scope

REPORT = "report.json"
Listener = Callable[[runlog.Event], None]
Act = Callable[[models.QueueEntry, Scope], dict[str, Any]]
"""The check itself; returns its report."""


def never() -> bool:
    return False


def perform(
    instance: Instance,
    row: models.QueueEntry,
    act: Act,
    on_event: Listener | None = None,
    give_up: Callable[[], bool] = never,
) -> dict[str, Any]:
    """Do a queued check; one works on an instance at a time. If somebody else did it meanwhile, their report.

    Raises Failure for what stops the whole run, and Failure("check_stopped") when `give_up` ended the waiting.
    """
    lock = instance.place.instance / LOCK
    with queue.instance_lock(lock, _say_waiting(on_event), give_up) as ours:
        if not ours:
            raise Failure("check_stopped", "the check was not begun: this process is ending; it stays queued")
        queue.take_over(now())
        records.close_dead_runs(now())
        row = models.QueueEntry.get_by_id(row.id)
        if not queue.claim(row, now(), attempts=row.attempts + 1):
            return _finished(instance, row)
        with beating(row, now, lambda: stop(row)):
            report = _acted(instance, row, act)
        with edges("close check"):
            state = "done" if report["ok"] else "failed"
            queue.give_back(row, state=state, answer=report["run"], finished_at=now())
        return report


def stop_running(moment: datetime) -> bool:
    """Ask the running check to begin no further account; whether one is running that was not asked before."""
    running = models.Run.finished_at.is_null() & models.Run.stop_asked_at.is_null()
    return bool(models.Run.update(stop_asked_at=moment).where(running).execute())


def stop(row: models.QueueEntry) -> bool:
    """The same for the run of this row: a person does not want it any more, or another process performs it now."""
    run = (models.Run.start == row.answer) & models.Run.finished_at.is_null()
    return bool(models.Run.update(stop_asked_at=now()).where(run).execute())


def _acted(instance: Instance, row: models.QueueEntry, act: Act) -> dict[str, Any]:
    """What ends early gives its row back: as failed, or as queued when it is to be done again."""
    payload = json.loads(row.payload)
    accounts = payload.get("accounts")
    scope = Scope(None if accounts is None else tuple(accounts), bool(payload.get("forced")))
    try:
        with disk_words(f"checking on {instance.place.instance}"):
            return act(row, scope)
    except Failure as failure:
        if failure.code not in PASSING or is_lasting(row.attempts):
            tell_of_early_end(instance, failure)
        if failure.code in PASSING:
            queue.give_back(row, state="queued", run_after=now() + pause(row.attempts), answer=failure.detail)
        else:
            queue.give_back(row, state="failed", answer=failure.detail, finished_at=now())
        raise
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        tell_of_early_end(instance, Failure("internal_error", words))
        queue.give_back(row, state="failed", answer=words, finished_at=now())
        raise
    except BaseException:
        queue.give_back(row, state="queued")
        raise


def _say_waiting(on_event: Listener | None) -> Callable[[], None]:
    def say() -> None:
        if on_event:
            text = "another check is running on this instance; waiting for it"
            on_event(runlog.Event(now(), "info", "", "", "", "joined", text, 0))

    return say


def _finished(instance: Instance, row: models.QueueEntry) -> dict[str, Any]:
    """The report of the check that was joined."""
    row = models.QueueEntry.get_by_id(row.id)
    if row.state in queue.ACTIVE:
        raise Failure("entry_busy", f"{row.key}: {row.owner} performs this check, and is alive")
    path = instance.place.logs / row.answer / REPORT
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        what = "is done, but its report could not be kept" if row.state == "done" else "failed"
        raise Failure("check_failed", f"the check that was joined {what}: {row.answer}") from None
    return report
