"""A check, asked for by the CLI, the panel or the clock: queued, performed once, reported as JSON-able values."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from peewee import DatabaseError

import models
from jobs import queue, records, runlog, unfinished
from jobs.challenges import HttpSolver, sweep
from jobs.check import check as run_steps
from jobs.order import Ordering
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.options import CaaMode
from jobs.ports import Solver
from jobs.progress import Progress
from jobs.report import Case, counted, stamp, totals
from jobs.wiring import caa_accounts, fallbacks, logs, options, performing, providers, setup, zone_rights
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance, complete, now
from jobs.wiring.kept_files import KeptFiles
from jobs.wiring.lasting_account import LastingAccount
from jobs.wiring.leftovers import end_orders_of_gone_websites, sweep_leftovers
from jobs.wiring.parts import key_group, services, spoken_by, zones
from jobs.wiring.performing import REPORT, Listener, never
from jobs.wiring.run_telling import tell_of_run
from jobs.world import Scope, World
from jobs.zones.dns_solver import DnsSolver
from jobs.zones.sweep import Swept, sweep_challenges


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

    def act(claimed: models.QueueEntry, scope: Scope) -> dict[str, Any]:
        return _run(instance, _chosen(instance), scope, claimed, on_event)

    return performing.perform(instance, row, act, on_event, give_up)


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
    complete(instance.place)
    log, run = runlog.RunLog(instance.place.logs, started, now, on_event, noted=not scope.plan_only), None
    try:
        if not scope.plan_only:
            run = records.start_run(log.start, name, row.name, started)
        if entry is not None:
            queue.update(entry, answer=log.start)
        log.say("info", f"{'planning' if scope.plan_only else 'checking'} {name} with provider {row.name}")
        world = _world(instance, row, provider, log, run, started if scope.forced else None)
        if not scope.plan_only:
            _mend(instance, world)
            _say_swept(log, sweep_challenges(world.zones))
            if world.caa_mode is not CaaMode.NEVER:
                for told in caa_accounts.renew(instance.config, world.zones):
                    log.say("info" if told.code == "caa_renewed" else "warn", told.text, code=told.code)
            for told in _set_up_anew(instance, world):
                log.say("warn" if told.code else "info", told.text, code=told.code)
        cases = run_steps(world, scope)
        fallbacks.note(row, provider)
        fallbacks.note_what_they_said(world.fallbacks)
        report = _report(log, row, started, scope, cases)
        log.keep(REPORT, json.dumps(report))
        if run:
            tell_of_run(instance, log, cases, scope.accounts is None)
            records.finish_run(run, _result(report), report["totals"], now())
        logs.forget_old(instance, now())
        return report
    except BaseException as error:
        words = error.detail if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
        log.say("error", f"the run ended early: {words}", code=getattr(error, "code", ""))
        if run:
            with suppress(DatabaseError):  # then whoever takes over what dead processes left closes it
                records.finish_run(run, "failed", {}, now())
        raise
    finally:
        if not scope.plan_only:
            sweep(instance.place.challenges)
        log.close()


def _mend(instance: Instance, world: World) -> None:
    """Away with what dead processes have left in the middle of their work."""
    end_orders_of_gone_websites(now())
    sweep_leftovers(instance.place)
    talk = spoken_by(world.services)
    there: Sequence[Finding] = talk.ask("recover") if talk else ()
    for told in (*unfinished.put_back(instance.place, world.services), *there):
        world.log.say("warn", told.text, code=told.code)


def _set_up_anew(instance: Instance, world: World) -> list[Finding]:
    """What is needed once for websites that were added since, on whichever side."""
    talk = spoken_by(world.services)
    there: Sequence[Finding] = talk.ask("refresh") if talk else ()
    return [*setup.refresh(instance.place, world.services), *there]


def _report(
    log: runlog.RunLog, row: models.Provider, started: datetime, scope: Scope, cases: list[Case]
) -> dict[str, Any]:
    counts = totals(cases)
    good = all(case.good for case in cases)
    log.sum_up(good, f"finished: {counted(counts) or 'no websites'}")
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


def _world(
    instance: Instance,
    row: models.Provider,
    provider: Any,
    log: runlog.RunLog,
    run: models.Run | None,
    by_person: datetime | None,
) -> World:
    """`by_person`: since when a check runs that somebody asked for in person."""
    present, served = services(instance), zones(instance)
    place, config = instance.place, instance.config

    def told(finding: Finding) -> None:
        log.say("warn", finding.text, code=finding.code)

    solvers: dict[str, Solver] = {
        "http-01": HttpSolver(place.challenges),
        "dns-01": DnsSolver(served, config.dns.resolvers, config.validation.timeout, told),
    }

    def ordering(row: models.Provider, provider: Any) -> Ordering:
        return _ordering(instance, row, provider, solvers, log, by_person)

    return World(
        place=place,
        config=options.effective(config),
        clock=now,
        log=log,
        ordering=ordering(row, provider),
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
        fallbacks=fallbacks.behind(instance, ordering),
    )


def _ordering(
    instance: Instance,
    row: models.Provider,
    provider: Any,
    solvers: dict[str, Solver],
    log: runlog.RunLog,
    by_person: datetime | None,
) -> Ordering:
    def told(text: str) -> None:
        log.say("warn", f"{row.name}: {text}", code="account_renewed")

    lasting = LastingAccount(instance, row, provider, told)
    return Ordering(instance.place, row.name, lasting, solvers, now, row.account_url, by_person)


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
