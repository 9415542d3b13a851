"""A check, asked for by the CLI, the panel or the clock: queued, performed once, reported as JSON-able values."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import models
from jobs import queue, records, runlog
from jobs.abilities import takes_lasting_records
from jobs.challenges import HttpSolver, sweep
from jobs.check import check as run_steps
from jobs.order import Ordering
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.options import CaaMode
from jobs.ports import Solver
from jobs.progress import Progress
from jobs.report import Case, counted, stamp, totals
from jobs.wiring import caa_accounts, options, providers, setup, zone_rights
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance, now
from jobs.wiring.kept_files import KeptFiles
from jobs.wiring.leftovers import sweep_leftovers
from jobs.wiring.parts import key_group, services, zones
from jobs.wiring.setup import LOCK
from jobs.world import Scope, World
from jobs.zones.dns_solver import DnsSolver
from jobs.zones.sweep import Swept, sweep_challenges

REPORT = "report.json"
STALE_CHALLENGE = timedelta(hours=1)
"""Answers that lie there for longer were left by a process that died."""
Listener = Callable[[runlog.Event], None]


def never() -> bool:
    return False


def plan(
    instance: Instance, accounts: list[str] | None, forced: bool = False, on_event: Listener | None = None
) -> dict[str, Any]:
    """What a check of these accounts, or of all, would order and why; beside whatever else is running.

    Raises Failure for what stops the whole run.
    """
    _known(accounts)
    scope = Scope(None if accounts is None else tuple(accounts), forced, plan_only=True)
    return _run(instance, _chosen(instance), scope, None, on_event)


def check(
    instance: Instance, accounts: list[str] | None, forced: bool = False, on_event: Listener | None = None
) -> dict[str, Any]:
    """Check these accounts, or all; returns the report. Raises Failure for what stops the whole run.

    A check for what is queued or running already joins it: it waits, and returns that check's own report with
    `"joined": true`.
    """
    row, joined = request(instance, accounts, forced)
    report = perform(instance, row, on_event)
    return {**report, "joined": joined} if joined else report


def request(instance: Instance, accounts: list[str] | None, forced: bool) -> tuple[models.QueueEntry, bool]:
    """Queue a check for whoever works on this instance, and whether it joined one that was asked for before.

    Raises Failure("account_unknown"), Failure("provider_disabled").
    """
    _known(accounts)
    _chosen(instance)
    return queue.request_check(accounts, forced, now())


def perform(
    instance: Instance,
    row: models.QueueEntry,
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
        row = models.QueueEntry.get_by_id(row.id)
        if row.state not in queue.ACTIVE:
            return _finished(instance, row)
        queue.update(row, state="running", owner=_owner(), attempts=row.attempts + 1, heartbeat_at=now())
        payload = json.loads(row.payload)
        accounts = payload.get("accounts")
        scope = Scope(None if accounts is None else tuple(accounts), bool(payload.get("forced")))
        try:
            report = _run(instance, _chosen(instance), scope, row, on_event)
        except Failure as failure:
            queue.finish(row, "failed", failure.detail, now())
            raise
        except Exception as error:
            queue.finish(row, "failed", f"{type(error).__name__}: {error}", now())
            raise
        except BaseException:
            queue.update(row, state="queued", owner=None)
            raise
        queue.finish(row, "done" if report["ok"] else "failed", report["run"], now())
        return report


def _run(
    instance: Instance,
    chosen: tuple[models.Provider, Any],
    scope: Scope,
    entry: models.QueueEntry | None,
    on_event: Listener | None,
) -> dict[str, Any]:
    row, provider = chosen
    name = "*" if scope.accounts is None else ",".join(scope.accounts)
    started = now()
    log = runlog.RunLog(instance.place.logs, started, now, on_event)
    run = None if scope.plan_only else records.start_run(log.start, name, row.name, started)
    try:
        if entry is not None:
            queue.update(entry, answer=log.start)
        sweep(instance.place.challenges, started - STALE_CHALLENGE)
        log.say("info", f"{'planning' if scope.plan_only else 'checking'} {name} with provider {row.name}")
        world = _world(instance, row, provider, log, run)
        if not scope.plan_only:
            sweep_leftovers(instance.place)
            _say_swept(log, sweep_challenges(world.zones))
            if world.caa_mode is not CaaMode.NEVER:
                for told in caa_accounts.renew(instance.config, world.zones):
                    log.say("info" if told.code == "caa_renewed" else "warn", told.text, code=told.code)
            setup.refresh(instance, world.services, log)
        cases = run_steps(world, scope)
        providers.note_terms(row, provider.specs().terms_url)
        if takes_lasting_records(provider):
            providers.note_offer(row, provider.persist())
        report = _report(log, row, started, scope, cases)
        (instance.place.logs / log.start / REPORT).write_text(json.dumps(report), encoding="utf-8")
        if run:
            records.finish_run(run, _result(report), report["totals"], now())
        _forget_old_runs(instance)
        return report
    except BaseException as error:
        words = error.detail if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
        log.say("error", f"the run ended early: {words}", code=getattr(error, "code", ""))
        if run:
            records.finish_run(run, "failed", {}, now())
        raise
    finally:
        log.close()


def _forget_old_runs(instance: Instance) -> None:
    """A row stays for as long as its log does."""
    moment, days = now(), options.load(instance.config).log_days
    runlog.prune(instance.place.logs, moment, days)
    records.forget_runs(runlog.oldest_kept(moment, days))


def _report(
    log: runlog.RunLog, row: models.Provider, started: datetime, scope: Scope, cases: list[Case]
) -> dict[str, Any]:
    counts = totals(cases)
    good = all(case.good for case in cases)
    log.say("success" if good else "warn", f"finished: {counted(counts) or 'no websites'}")
    return {
        "run": log.start,
        "started": stamp(started),
        "finished": stamp(now()),
        "provider": row.name,
        "plan": scope.plan_only,
        "websites": [case.as_json() for case in cases],
        "totals": counts,
        "ok": good,
    }


def _result(report: dict[str, Any]) -> str:
    if report["totals"].get("stopped"):
        return "stopped"
    return "done" if report["ok"] else "failed"


def _chosen(instance: Instance) -> tuple[models.Provider, Any]:
    """The provider in use. Raises Failure("provider_disabled"), Failure("account_key_missing")."""
    chosen = providers.current(instance)
    if chosen is None:
        remedy = "autossl provider use letsencrypt --accept-terms"
        words = f"AutoSSL is disabled: no provider is in use. Choose one: {remedy}"
        raise Failure("provider_disabled", words, permanent=True)
    return chosen


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _world(
    instance: Instance, row: models.Provider, provider: Any, log: runlog.RunLog, run: models.Run | None
) -> World:
    present, served = services(instance), zones(instance)
    place, config = instance.place, instance.config

    def told(finding: Finding) -> None:
        log.say("warn", finding.text, code=finding.code)

    solvers: dict[str, Solver] = {
        "http-01": HttpSolver(place.challenges),
        "dns-01": DnsSolver(served, config.dns.resolvers, config.validation.timeout, told),
    }
    return World(
        place=place,
        config=options.effective(config),
        clock=now,
        log=log,
        ordering=Ordering(place, row.name, provider, solvers, now),
        account_url=row.account_url,
        services=present,
        discover=lambda: _discover_and_say(instance, log),
        keeper=KeptFiles(place).before,
        key_group=key_group(present),
        zones=served,
        rights=zone_rights.rights,
        caa_mode=options.load(config).caa,
        former_accounts=tuple(json.loads(row.former_accounts or "[]")),
        progress=Progress(run),
    )


def _say_swept(log: runlog.RunLog, swept: Swept) -> None:
    for record in swept.taken:
        log.say("info", f"taken away, as nobody waits for it any more: {record.name}. {record.kind} {record.value}")
    for trouble in swept.troubles:
        log.say("warn", trouble.detail, code=trouble.code)


def _discover_and_say(instance: Instance, log: runlog.RunLog) -> None:
    found = discover(instance)
    level = "warn" if found["failed"] else "info"
    log.say(level, f"discovery: {found['summary']}")
    for remark in found["remarks"]:
        log.say("warn", f"discovery: {remark}", indent=1)
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
