"""`autossl doctor`: every check of `jobs/doctor` at the same time, none waited for longer than the whole takes."""

from __future__ import annotations

import dataclasses
import logging
import queue as queues
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import models
from jobs import doctor, privileged, records
from jobs.doctor import Asked, Check, Differing, Host, Provider, Written
from jobs.policy.decision import WEB_SERVICES
from jobs.policy.doctor import Result, Rhythm, State, asked_addresses, worst
from jobs.policy.failure import Failure
from jobs.policy.panel_files import STATE
from jobs.policy.problems import problem
from jobs.policy.served_watch import CODES
from jobs.report import stamp
from jobs.wiring import parts, provider_rows
from jobs.wiring.background import coming, nightly_time
from jobs.wiring.instance import DATABASE, Instance, now
from jobs.wiring.integrity import soundness
from jobs.wiring.provider_facts import terms_changed
from jobs.wiring.work_lock import while_free

SECONDS = 45.0
"""After that a check has no result: who asked waits, in a terminal or before a page."""

_log = logging.getLogger("autossl.doctor")


def examine(instance: Instance, seconds: float = SECONDS) -> dict[str, Any]:
    """Every check with its results, the worst first: `checks` (each `check`, `title`, `state`, `results`), `state` of
    the whole, and `ok`: nothing is wrong. Nothing is changed on the host."""
    host = _host(instance)
    found = _all(host, doctor.checks(), seconds)
    checks: list[dict[str, Any]] = [
        {
            "check": name,
            "title": doctor.title(check),
            "state": worst(one.state for one in found[name]),
            "results": [dataclasses.asdict(one) for one in found[name]],
        }
        for name, check in doctor.checks().items()
    ]
    rank = [State.WRONG, State.WARNING, State.FINE, State.NOT_APPLICABLE]
    checks.sort(key=lambda one: (rank.index(one["state"]), one["title"]))
    whole = worst(one["state"] for one in checks)
    return {"at": stamp(host.now), "state": whole, "ok": whole is not State.WRONG, "checks": checks}


def _all(host: Host, checks: Mapping[str, Check], seconds: float) -> dict[str, list[Result]]:
    """In threads that end with the process, should one of them never come to an end."""
    done: queues.SimpleQueue[tuple[str, list[Result]]] = queues.SimpleQueue()
    for name, check in checks.items():
        run = threading.Thread(target=lambda n=name, c=check: done.put((n, _results(n, c, host))), daemon=True)
        run.start()
    late = f"it came to no end within {seconds:g} s"
    remedy = "Ask again; if it stays so, something on this host does not answer."
    found = {name: [Result(State.WARNING, name, late, "an end", remedy)] for name in checks}
    ends = time.monotonic() + seconds
    for _ in checks:
        try:
            name, results = done.get(timeout=max(ends - time.monotonic(), 0.001))
        except queues.Empty:
            break
        found[name] = results
    return found


def _results(name: str, check: Check, host: Host) -> list[Result]:
    """Whatever happens in one check, the others are not hidden by it."""
    try:
        return list(check.examine(host))
    except Failure as failure:
        return [Result(State.WRONG, name, failure.detail, "", problem(failure.code).remedy)]
    except Exception as error:  # noqa: BLE001 a bug of one check must not hide what the others found
        _log.exception("the check %s met something that nobody foresaw", name)
        words = f"{type(error).__name__}: {error}"
        return [Result(State.WRONG, name, words, "", problem("internal_error").remedy)]


def _host(instance: Instance) -> Host:
    """All that rows say, read here: the checks run in threads without a connection."""
    state = models.ServiceState
    watched = state.state == "installed"
    return Host(
        place=instance.place,
        config=instance.config,
        now=now(),
        services=lambda: parts.services(instance),
        others=lambda: parts.other_clients(instance),
        addresses=asked_addresses(privileged.own_addresses()),
        websites=records.websites(),
        secured=state.select().where(watched & state.service.in_(WEB_SERVICES)).exists(),
        provider=_provider(instance),
        rhythm=_rhythm(instance),
        written=_written(instance),
        watched=state.select().where(watched).count(),
        differing=_differing(),
        soundness=lambda: _soundness(instance.place.instance / DATABASE),
        notifiers=_notifiers(instance),
        held={name: main for main, one in records.live_certificates().items() for name in one.names},
    )


def _provider(instance: Instance) -> Provider | None:
    row = models.Provider.get_or_none(models.Provider.current)
    if row is None:
        return None
    made: Callable[[], Any] = partial(provider_rows.make, instance, row)
    try:
        bare = provider_rows.bare(row)
    except Failure as failure:
        refuse = partial(_refuse, failure)
        return Provider(row.name, "", row.account_url, terms_changed(row), refuse, refuse)

    def ask() -> Asked:
        before = now()
        look = bare.look(provider_rows.LOOK_SECONDS)
        return Asked(look, before, now())

    return Provider(
        name=row.name,
        directory=bare.specs().directory,
        registered=row.account_url,
        terms_changed=terms_changed(row),
        ask=_Once(ask),
        account=lambda: made().find(),
    )


class _Once:
    """Asked by several checks, which share one answer, or one failure."""

    def __init__(self, ask: Callable[[], Asked]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._found: Asked | Failure | None = None

    def __call__(self) -> Asked:
        with self._lock:
            if self._found is None:
                try:
                    self._found = self._ask()
                except Failure as failure:
                    self._found = failure
        if isinstance(self._found, Failure):
            raise self._found
        return self._found


def _rhythm(instance: Instance) -> Rhythm:
    run = models.Run
    of_all = (run.scope == "*") & run.finished_at.is_null(False) & (run.totals != "{}")  # which one that broke off has
    last = run.select(run.finished_at).where(of_all).order_by(run.finished_at.desc()).first()
    working = run.select(run.started_at).where(run.finished_at.is_null()).order_by(run.id.desc()).first()
    first = models.Account.select(models.Account.found_at).order_by(models.Account.found_at).first()
    with while_free(instance) as free:
        locked = not free
    return Rhythm(
        serving=privileged.lock_taken(instance.place.instance / STATE),
        since=first.found_at if first else None,
        last=last.finished_at if last else None,
        following=coming(nightly_time(instance.config), datetime.now()),
        working_since=working.started_at if working else None,
        locked=locked,
    )


def _written(instance: Instance) -> list[Written]:
    """Files outside the instance that were written here, as they stand now; by the root side's word where there is one,
    which the check of it tells about when it does not answer."""
    try:
        return [Written(*one) for one in parts.written(instance)]
    except Failure:
        return []


def _differing() -> list[Differing]:
    row = models.Problem
    told = row.code.in_(list(CODES.values())) & (row.service != "")
    query = row.select(row.service, row.website, row.text).where(told)
    return [Differing(one.service, one.website, one.text) for one in query.order_by(row.service, row.website)]


def _soundness(path: Path) -> tuple[str, bool]:
    found = soundness(path)
    return found.damage, found.whole


def _notifiers(instance: Instance) -> Callable[[], Mapping[str, object]]:
    """Made here, for their options are rows; what is wrong with those is for the check to tell."""
    try:
        made = parts.notifiers(instance)
    except Failure as failure:
        return partial(_refuse, failure)
    return lambda: made


def _refuse(failure: Failure) -> NoReturn:
    raise failure
