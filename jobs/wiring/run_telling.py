"""What a check, and the watch over what is served, have to tell (behaviour section 7)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

import models
from jobs import records
from jobs.policy.certificate import Certificate
from jobs.policy.decision import Action
from jobs.policy.failure import Failure
from jobs.policy.names import covers
from jobs.policy.notify import Event, Kind
from jobs.policy.notify_run import Failed, Provider, Result, Service, events_of, settled_by
from jobs.policy.served_watch import CODES
from jobs.record import say_bug
from jobs.report import Case
from jobs.runlog import RunLog
from jobs.wiring.instance import Instance, now
from jobs.wiring.provider_facts import terms_changed
from jobs.wiring.telling import tell

ENDED_EARLY = "run"
"""The key of a check that came to no end."""

_NO_NEWS = frozenset({"provider_disabled", "check_stopped", "entry_busy"})
"""Why a check was not done, where a person wanted it so or another one does it."""

_log = logging.getLogger("autossl.background")


def tell_of_run(instance: Instance, log: RunLog, cases: Sequence[Case], of_all: bool) -> None:
    """What became of each website, once all of it is kept; a check of all reminds of what still waits. No check fails
    for what comes of this."""
    try:
        moment = now()
        results, inuse = _results(cases), _providers()
        settled = settled_by(results, inuse) | {ENDED_EARLY}
        events = events_of(results, inuse, moment)
        count = tell(instance, events, settled, log.start, moment, log.start, of_all=of_all)
    except Failure as failure:
        log.say("warn", f"nobody is told of this run: {failure.detail}", code=failure.code)
    except Exception as error:  # noqa: BLE001 certificates matter more than messages
        say_bug(log, None, "telling people of this run", error)
    else:
        if count:
            log.say("info", f"{count} message{'' if count == 1 else 's'} put into the outbox")


def tell_of_early_end(instance: Instance, why: Failure) -> None:
    """A check that came to no end concerns everybody, so administrators are told. Whatever comes of that: there is a
    failure to raise already."""
    if why.code in _NO_NEWS:
        return
    moment = now()
    event = Event(Kind.HOST, ENDED_EARLY, why.code, why.detail)
    try:
        tell(instance, [event], (), f"{ENDED_EARLY}:{moment.isoformat()}", moment)
    except Exception:  # noqa: BLE001 it is one more sign of what is raised already, such as a full disk
        _log.exception("nobody could be told that a check ended early")


def tell_of_watch(instance: Instance) -> None:
    """The duty: differences between what is served and what is installed, which the watch has found to stay."""
    moment, row = now(), models.Problem
    served = row.code.in_(list(CODES.values())) & (row.service != "")
    found = list(row.select(row.website, row.service, row.code, row.text, row.retry_at).where(served))
    open_keys = {f"served:{one.service}:{one.website}" for one in found}
    told = models.Told
    known = told.select(told.key).where(told.key.startswith("served:") & told.gone_at.is_null()).distinct().tuples()
    over = {key for (key,) in known} - open_keys
    if not found and not over:
        return
    owners = _owners([one.website for one in found])
    events = [
        Event(
            Kind.SERVED, f"served:{one.service}:{one.website}", one.code, one.text, owners.get(one.website, ""),
            one.website, one.service, retry_at=one.retry_at,
        )
        for one in found
    ]
    tell(instance, events, over, f"served:{moment.isoformat()}", moment)


def _results(cases: Sequence[Case]) -> list[Result]:
    mains = [case.website.main for case in cases]
    live = records.live_certificates(mains)
    tries, standings = _tries(mains), _standings(mains)
    return [_result(case, live.get(case.website.main), tries, standings) for case in cases]


def _result(
    case: Case,
    certificate: Certificate | None,
    tries: dict[str, models.Problem],
    standings: dict[tuple[str, str], models.ServiceState],
) -> Result:
    site, plan, stored, failure = case.website, case.plan, case.facts.stored, case.failure
    issued = (
        certificate is not None and failure is None and (stored is None or certificate.serial != stored.serial)
        and plan is not None and plan.action is Action.ORDER
    )
    names = certificate.names if certificate else ()
    lost = [name for name in case.facts.names if stored and covers(stored.names, name) and not covers(names, name)]
    row = tries.get(site.main)
    return Result(
        account=site.account,
        website=site.main,
        provider=case.provider,
        action=plan.action if plan else case.decision.action,
        code=plan.code if plan else case.decision.code,
        reason=plan.reason if plan else case.decision.reason,
        outcome=case.outcome,
        own=frozenset(site.names),
        certificate=certificate,
        issued=issued,
        left_off=case.left_off,
        lost=tuple(lost) if issued else (),
        failure=Failed(failure.code, failure.detail, failure.permanent, failure.of_provider) if failure else None,
        failures=row.failures if row else 0,
        waits=Failed(row.code, row.text) if row and not row.name and case.decision.code == "backoff" else None,
        until=plan.defer_until if plan else None,
        retry_at=row.retry_at if row else None,
        services=tuple(
            Service(name, state, text, case.codes.get(name, ""), *_again(standings.get((site.main, name))))
            for name, (state, text) in case.services.items()
        ),
    )


def _again(row: models.ServiceState | None) -> tuple[int, datetime | None]:
    return (0, None) if row is None else (row.attempts, row.retry_at)


def _tries(mains: Sequence[str]) -> dict[str, models.Problem]:
    """Of each website its own problem; where it has none, that of its names which has failed most often."""
    row = models.Problem
    query = row.select(row.website, row.name, row.code, row.text, row.failures, row.retry_at).where(
        row.website.in_(mains) & (row.service == "") & models.REAL_PROBLEM
    )
    return {one.website: one for one in query.order_by(row.name == "", row.failures)}


def _standings(mains: Sequence[str]) -> dict[tuple[str, str], models.ServiceState]:
    row = models.ServiceState
    query = row.select(row.website, row.service, row.attempts, row.retry_at)
    return {(one.website, one.service): one for one in query.where(row.website.in_(mains) & (row.attempts > 0))}


def _providers() -> list[Provider]:
    """The one in use and those behind it."""
    row = models.Provider
    inuse = row.select().where(row.current | row.fallback.is_null(False))
    return [
        Provider(
            one.name, one.failures, one.blocked_code or "", one.blocked_text or "", one.blocked_until,
            (one.terms_seen or "") if terms_changed(one) else "",
        )
        for one in inuse
    ]


def _owners(mains: Iterable[str]) -> dict[str, str]:
    row = models.Website
    return dict(row.select(row.main, row.account).where(row.main.in_(list(mains))).tuples())
