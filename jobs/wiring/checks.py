"""What the CLI, the panel and the clock ask for: discover, check, status. Each returns plain JSON-able values."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import models
from jobs import queue, records, runlog
from jobs.challenges import HttpSolver, sweep
from jobs.check import Scope, World
from jobs.check import check as run_steps
from jobs.order import Ordering
from jobs.policy.failure import Failure
from jobs.report import stamp, totals
from jobs.wiring import providers
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance, now
from jobs.wiring.kept_files import KeptFiles
from jobs.wiring.parts import key_group, services

REPORT = "report.json"
Listener = Callable[[runlog.Event], None]


def check(
    instance: Instance,
    accounts: list[str] | None,
    plan_only: bool = False,
    forced: bool = False,
    on_event: Listener | None = None,
) -> dict[str, Any]:
    """Check these accounts, or all; returns the report. Raises Failure for what stops the whole run.

    Only one check works on an instance at a time. A check for what is queued or running already joins it:
    it waits, and returns that check's own report with `"joined": true`.
    """
    scope = Scope(None if accounts is None else tuple(accounts), forced, plan_only)
    _known(accounts)
    chosen = providers.current(instance)
    if chosen is None:
        remedy = "autossl provider use letsencrypt --accept-terms"
        words = f"AutoSSL is disabled: no provider is in use. Choose one: {remedy}"
        raise Failure("provider_disabled", words, permanent=True)
    name = "*" if accounts is None else ",".join(sorted(accounts))
    if plan_only:
        with queue.instance_lock(instance.place.instance / "run.lock", _say_waiting(on_event)):
            return _run(instance, chosen, scope, name, on_event)
    row, joined = queue.request_check(name, now())
    with queue.instance_lock(instance.place.instance / "run.lock", _say_waiting(on_event)):
        row = models.QueueEntry.get_by_id(row.id)
        if joined and row.state in ("done", "failed"):
            return {**_finished(instance, row), "joined": True}
        queue.update(row, state="running", attempts=row.attempts + 1)
        try:
            report = _run(instance, chosen, scope, name, on_event)
        except Failure as failure:
            queue.finish(row, "failed", failure.detail, now())
            raise
        except BaseException:
            queue.update(row, state="queued")
            raise
        queue.finish(row, "done" if report["ok"] else "failed", report["run"], now())
        return report


def _run(
    instance: Instance, chosen: tuple[models.Provider, Any], scope: Scope, name: str, on_event: Listener | None
) -> dict[str, Any]:
    row, provider = chosen
    started = now()
    log = runlog.RunLog(instance.place.logs, started, now, on_event)
    run = None if scope.plan_only else records.start_run(log.start, name, row.name, started)
    try:
        sweep(instance.place.challenges, started)  # whoever wrote what lies there held the lock, and is dead
        log.say("info", f"{'planning' if scope.plan_only else 'checking'} {name} with provider {row.name}")
        cases = run_steps(_world(instance, row, provider, log), scope)
        counts = totals(cases)
        good = all(case.good for case in cases)
        counted = ", ".join(f"{value} {key}" for key, value in counts.items() if value)
        log.say("success" if good else "warn", f"finished: {counted or 'no websites'}")
        report = {
            "run": log.start,
            "started": stamp(started),
            "finished": stamp(now()),
            "provider": row.name,
            "plan": scope.plan_only,
            "websites": [case.as_json() for case in cases],
            "totals": counts,
            "ok": good,
        }
        (instance.place.logs / log.start / REPORT).write_text(json.dumps(report), encoding="utf-8")
        if run:
            records.finish_run(run, "done" if good else "failed", counts, now())
        runlog.prune(instance.place.logs, now(), instance.config.check.log_days)
        return report
    except BaseException as error:
        words = error.detail if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
        log.say("error", f"the run ended early: {words}", code=getattr(error, "code", ""))
        if run:
            records.finish_run(run, "failed", {}, now())
        raise
    finally:
        log.close()


def _world(instance: Instance, row: models.Provider, provider: Any, log: runlog.RunLog) -> World:
    present = services(instance)
    place = instance.place
    solvers = {"http-01": HttpSolver(place.challenges)}
    return World(
        place=place,
        config=instance.config,
        clock=now,
        log=log,
        ordering=Ordering(place, row.name, provider, solvers, now),
        account_url=row.account_url,
        services=present,
        discover=lambda: _discover_and_say(instance, log),
        keeper=KeptFiles(place).before,
        key_group=key_group(present),
    )


def _discover_and_say(instance: Instance, log: runlog.RunLog) -> None:
    found = discover(instance)
    level = "warn" if found["failed"] else "info"
    log.say(level, f"discovery: {found['summary']}")
    for failed in found["failed"]:
        log.say("warn", f"source {failed['source']}: {failed['text']}", code=failed["code"], indent=1)


def _known(accounts: list[str] | None) -> None:
    for account in accounts or ():
        if models.Account.get_or_none(models.Account.name == account) is None:
            words = f"{account}: there is no such account; see `autossl account list`"
            raise Failure("account_unknown", words, permanent=True)


def _say_waiting(on_event: Listener | None) -> Callable[[], None]:
    def say() -> None:
        if on_event:
            text = "another check is running on this instance; waiting for it"
            on_event(runlog.Event(now(), "info", "", "", "", "joined", text, 0))

    return say


def _finished(instance: Instance, row: models.QueueEntry) -> dict[str, Any]:
    """The report of the check that was joined."""
    path = instance.place.logs / row.answer / REPORT
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise Failure("check_failed", f"the check that was joined failed: {row.answer}") from None
    return report
