"""The watch over what services serve, as a duty of the tick: a sample each time, everything after a check of all.

Each row of `models.ServiceState` remembers when it was looked at, and what came of it. Looked at is what was installed
well: a certificate of somebody else's is not ours to watch, and an installation that failed is tried again by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from peewee import fn

import models
from jobs import queue, records, served
from jobs.durable import durable
from jobs.policy.failure import Failure
from jobs.policy.journal import Kind, about
from jobs.policy.served_watch import (
    CODES,
    SECOND_LOOK,
    Look,
    Memory,
    Seen,
    State,
    may_reload,
    next_reload,
    recognized,
    remembered,
    sample_size,
)
from jobs.ports import Place, ServiceTarget
from jobs.served import Watched
from jobs.wiring.instance import Instance, now
from jobs.wiring.parts import services
from jobs.wiring.work_lock import while_free

INSTALLED = "installed"
BATCH = 200
"""Rows that are looked at under one hold of the work lock."""

SECONDS_A_BATCH, SECONDS_A_TICK = 20.0, 120.0
"""Nothing more is begun after so long: a check may wait for the lock, and the tick's other duties for their turn."""

_MOST_OPEN = 64
"""Differences that are looked at again in one tick."""

_STAYS = "a reload of the service at {:%Y-%m-%d %H:%M} UTC did not change that"
_log = logging.getLogger("autossl.background")


@dataclass(frozen=True)
class _Case:
    """A row that was looked at, and what follows. `told`: what was done about a difference that stays, if anything."""

    row: models.ServiceState
    watched: Watched
    look: Look
    memory: Memory
    told: str = ""


def watch(instance: Instance) -> None:
    """The duty: a sample; after a check of all, everything. In batches, beside no check and no setup; what is not
    reached in time has its turn in the next tick."""
    began = time.monotonic()
    first = True
    while True:
        with while_free(instance) as ours:
            if not ours:
                return
            rows = _chosen(now(), first)
            if first:
                _forget_problems_of_others()
            if not rows:
                return
            _watch(instance, rows)
        first = False
        if time.monotonic() - began > SECONDS_A_TICK or queue.next_check(now()) is not None:
            return


def _chosen(moment: datetime, first: bool) -> list[models.ServiceState]:
    """Those that were not looked at since the last check of all; and, once a tick, at least the sample, and
    differences that are to be looked at again."""
    row = models.ServiceState
    watched = row.state == INSTALLED
    sample = sample_size(row.select().where(watched).count()) if first else 0
    oldest = list(row.select().where(watched).order_by(row.served_at).limit(max(BATCH, sample)))
    since = _last_check_of_all(moment)
    owed = [one for one in oldest if one.served_at is None or (since is not None and one.served_at < since)]
    if not first:
        return owed
    chosen = {one.id: one for one in (*owed, *oldest[:sample])}
    again = row.served_state.in_([State.SUSPECTED, State.DIFFERS]) & (row.differs_since <= moment - SECOND_LOOK)
    chosen |= {one.id: one for one in row.select().where(again & watched).order_by(row.served_at).limit(_MOST_OPEN)}
    return list(chosen.values())


def _last_check_of_all(moment: datetime) -> datetime | None:
    """One that lies ahead is of a clock that was wrong: nothing would ever count as looked at since."""
    run = models.Run
    over = (run.scope == "*") & (run.finished_at <= moment)
    found = run.select(run.finished_at).where(over).order_by(run.finished_at.desc()).first()
    return None if found is None else found.finished_at


def _watch(instance: Instance, rows: Sequence[models.ServiceState]) -> None:
    """Look at these rows, and do what follows."""
    moment = now()
    present = {service.name: service for service in services(instance)}
    sites = _sites(row.website for row in rows)
    watched, unwatched = [], []
    for row in rows:
        if row.service in present and row.website in sites:
            watched.append(Watched(row.id, present[row.service], sites[row.website]))
        else:
            unwatched.append(row.id)
    state = models.ServiceState
    state.update(served_at=moment, served_state=State.IDLE).where(state.id.in_(unwatched)).execute()
    known = {row.id: row for row in rows}
    looks = _looks(watched, instance.place)
    cases = [
        _Case(known[one.key], one, looks[one.key], remembered(_memory(known[one.key]), looks[one.key], moment))
        for one in watched
        if one.key in looks
    ]
    for service in present.values():
        _conclude(instance.place, service, [case for case in cases if case.watched.service is service], moment)


def _sites(mains: Iterable[str]) -> dict[str, Any]:
    row = models.Website
    owners = row.select(row.account).where(row.main.in_(list(mains)) & row.gone_at.is_null()).distinct()
    return {site.main: site for site in records.websites([owner for (owner,) in owners.tuples()])}


def _looks(watched: Sequence[Watched], place: Place) -> dict[int, Look]:
    looks = served.look(watched, place, SECONDS_A_BATCH)
    shown = {look.fingerprint for look in looks.values() if look.seen is Seen.OTHER}
    row = models.Certificate
    query = row.select(row.fingerprint).where(row.fingerprint.in_(list(shown)))
    formers = {found for (found,) in query.tuples()} if shown else frozenset()
    return {key: recognized(look, formers) for key, look in looks.items()}


def _memory(row: models.ServiceState) -> Memory:
    state = None if row.served_state is None else State(row.served_state)
    return Memory(state, row.differs_since, row.reloaded_at)


def _conclude(place: Place, service: ServiceTarget, cases: Sequence[_Case], moment: datetime) -> None:
    """Reload the service if it has to be, keep what is to be remembered, and tell what stays."""
    wanting = [case for case in cases if may_reload(case.memory, case.look)]
    done = {case.row.id: case for case in cases}
    if wanting:
        done |= {case.row.id: case for case in _reloaded(place, service, wanting, moment)}
    with models.database.atomic():
        for case in done.values():
            _keep(case, moment)


def _reloaded(place: Place, service: ServiceTarget, cases: Sequence[_Case], moment: datetime) -> list[_Case]:
    """One reload for all these, and another look at them; or why the service was not reloaded."""
    again = next_reload(_last_reload(service.name, moment), moment)
    if again is not None:
        words = f"it was reloaded for such a reason less than an hour ago, and will be again after {again:%H:%M} UTC"
        return [replace(case, told=words) for case in cases]
    try:
        service.forget()
        service.test()
    except Failure as failure:
        words = f"it was not reloaded, because its own configuration test fails: {failure.detail}"
        return [replace(case, told=words) for case in cases]
    before, cases = cases, [replace(case, memory=replace(case.memory, reloaded_at=moment)) for case in cases]
    _note_reload(cases, moment)
    first = cases[0].watched.website.main
    _log.warning("%s: %d websites are served otherwise than installed (%s: %s); it is reloaded",
                 service.name, len(cases), first, cases[0].look.text,
                 extra=about(Kind.SERVICE_RELOADED, service=service.name, website=first))
    try:
        service.reload()
    except Failure as failure:
        if failure.code == "service_not_running":
            return [_with(case, Look(Seen.IDLE), moment) for case in before]
        return [replace(case, told=f"reloading the service failed: {failure.detail}") for case in cases]
    looks = _looks([case.watched for case in cases], place)
    return [_with(case, looks.get(case.watched.key, case.look), moment) for case in cases]


def _with(case: _Case, look: Look, moment: datetime) -> _Case:
    return replace(case, look=look, memory=remembered(case.memory, look, moment))


def _last_reload(service: str, moment: datetime) -> datetime | None:
    row = models.ServiceState
    past = (row.service == service) & (row.reloaded_at <= moment)
    found = row.select(fn.MAX(row.reloaded_at)).where(past).scalar()
    return row.reloaded_at.python_value(found) if isinstance(found, str) else found


def _note_reload(cases: Sequence[_Case], moment: datetime) -> None:
    """Before it happens: should this process end in between, the service is not reloaded again and again."""
    row = models.ServiceState
    with durable():
        for case in cases:
            kept = {"served_state": case.memory.state, "differs_since": case.memory.differs_since}
            row.update(reloaded_at=moment, **kept).where(row.id == case.row.id).execute()


def _keep(case: _Case, moment: datetime) -> None:
    row, memory = models.ServiceState, case.memory
    row.update(
        served_at=moment,
        served_state=memory.state,
        served_fingerprint=case.look.fingerprint,
        differs_since=memory.differs_since,
        reloaded_at=memory.reloaded_at,
    ).where(row.id == case.row.id).execute()
    problem = models.Problem
    same = {"website": case.row.website, "name": "", "service": case.row.service}
    keys: list[Any] = [problem.website, problem.name, problem.service]
    if memory.state is not State.DIFFERS:
        own = [key == value for key, value in zip(keys, same.values(), strict=True)]
        problem.delete().where(*own, problem.code.in_(list(CODES.values()))).execute()
    elif case.look.seen in CODES:
        said = case.told or (_STAYS.format(memory.reloaded_at) if memory.reloaded else "")
        text = f"{case.row.service}: {case.look.text}" + (f"; {said}" if said else "")
        fresh = {"code": CODES[case.look.seen], "text": text, "seen_at": moment}
        problem.insert(**same, **fresh, since=memory.differs_since).on_conflict(
            conflict_target=keys, update=fresh
        ).execute()


def _forget_problems_of_others() -> None:
    """A website that is gone, or on which something else was installed or failed meanwhile, has no such problem."""
    problem, row = models.Problem, models.ServiceState
    differs = (row.state == INSTALLED) & (row.served_state == State.DIFFERS)
    stands = row.select(row.id).where((row.website == problem.website) & (row.service == problem.service) & differs)
    ours = problem.code.in_(list(CODES.values())) & (problem.service != "")
    problem.delete().where(ours & ~fn.EXISTS(stands)).execute()
