"""What a monitoring system watches of an installation: figures of rows, each as it is now.

No account and no website is named. The number of queries does not depend on how much there is, each is answered by an
index, and nothing is asked of a CA or a service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN, SQL, fn

import models
from jobs import queue
from jobs.policy.access import Reach
from jobs.policy.decision import WEB_SERVICES
from jobs.policy.failure import Failure
from jobs.policy.features import DEFAULT, ENABLED
from jobs.policy.ledger import free
from jobs.policy.limits import Counted
from jobs.policy.name_state import SOON
from jobs.policy.problems import CATALOGUE, problem
from jobs.policy.site import UNASSIGNED, AccountState
from jobs.presented import FOREIGN
from jobs.wiring import backup, order_counts, overview
from jobs.wiring.background import TICKED_SETTING
from jobs.wiring.database_copies import newest_copy
from jobs.wiring.instance import Instance, setting
from jobs.wiring.overview import ServiceFacts
from jobs.wiring.provider_rows import bare

DAYS = (7, 14, 30)
NEAR_PART = 10
"""See `policy/name_state.py`: the end is near by the same rule."""

WAITING_STATES = ("queued", "running", "waiting")
UNKNOWN = "unknown"
"""The code of problems that another version noted: what is in a row does not make up labels."""

_HOST = Reach(everything=True)


@dataclass(frozen=True)
class Certificates:
    """Those that this installation has to renew: of websites that exist, of accounts that are checked, where the web
    server does not present one of another CA's. `ending`: within so many days, and not over; `near_end`: within a
    week or a tenth of their lifetime, whichever is shorter."""

    live: int
    over: int
    ending: Mapping[int, int]
    near_end: int
    soonest: datetime | None


@dataclass(frozen=True)
class LastCheck:
    """The last check of all accounts with this result (`done`, `failed`, `stopped`)."""

    result: str
    finished: datetime
    seconds: float


@dataclass(frozen=True)
class ProviderFacts:
    """`orders_left`: how many its CA takes now, by what was ordered from here; None: it states no such limit."""

    name: str
    current: bool
    paused: bool
    orders_left: int | None


@dataclass(frozen=True)
class Measures:
    """`names`: covered and missing (none while no check has counted) and excluded; `queue`: by kind and state of what
    is pending; `overdue`: for how long the oldest of it could have been worked on; `problems`: by code and severity;
    `orders`: ever, by provider and result."""

    accounts: int
    websites: int
    names: Mapping[str, int]
    certificates: Certificates
    services: Sequence[ServiceFacts]
    problems: Mapping[tuple[str, str], int]
    queue: Mapping[tuple[str, str], int]
    overdue: timedelta
    checks: Sequence[LastCheck]
    providers: Sequence[ProviderFacts]
    orders: Mapping[tuple[str, str], int]
    messages: Mapping[str, int]
    ticked: datetime | None
    copied: datetime | None
    backed_up: datetime | None


def measure(instance: Instance, now: datetime) -> Measures:
    accounts, names = _accounts()
    site = models.Website
    copy = newest_copy(instance.place)
    return Measures(
        accounts=accounts,
        websites=site.select().where(site.gone_at.is_null() & site.part_of.is_null()).count(),
        names=names,
        certificates=_certificates(now),
        services=overview.services(_HOST),
        problems=_problems(),
        queue=_queue(),
        overdue=_overdue(now),
        checks=_checks(),
        providers=_providers(now),
        orders=order_counts.count(),
        messages=_messages(),
        ticked=_moment(TICKED_SETTING),
        copied=None if copy is None else datetime.fromtimestamp(copy.stat().st_mtime, now.tzinfo),
        backed_up=_moment(backup.MADE_SETTING),
    )


def _accounts() -> tuple[int, dict[str, int]]:
    row, excluded = models.Account, models.Exclusion
    known = row.gone_at.is_null() & (row.name != UNASSIGNED)
    sums = row.select(fn.COUNT(SQL("*")), fn.SUM(row.wanted), fn.SUM(row.covered)).where(known).tuples().first()
    number, wanted, covered = sums
    names = {} if wanted is None else {"covered": covered or 0, "missing": wanted - (covered or 0)}
    return number, {**names, "excluded": excluded.select().count()}


def _certificates(now: datetime) -> Certificates:
    row = models.Certificate
    live = row.retired_at.is_null()
    last = now + timedelta(days=max(DAYS))
    begins, ends = fn.julianday(row.not_before), fn.julianday(row.not_after)
    near = ends - fn.MIN(SOON / timedelta(days=1), (ends - begins) / NEAR_PART)
    moments = (now, *(now + timedelta(days=days) for days in DAYS))
    columns = [fn.SUM(row.not_after < moment) for moment in moments]
    query = _renewed_here(row.select(*columns, fn.SUM(near <= fn.julianday(now.isoformat()))))
    over, *within, near_end = (number or 0 for number in query.where(live & (row.not_after < last)).tuples().first())
    first = _renewed_here(row.select(row.not_after)).where(live).order_by(row.not_after).first()
    return Certificates(
        live=row.select().where(live).count(),
        over=over,
        ending={days: number - over for days, number in zip(DAYS, within, strict=True)},
        near_end=near_end - over,
        soonest=None if first is None else first.not_after,
    )


def _renewed_here(query: Any) -> Any:
    """`query` of certificates, without those whose end is nobody's trouble here. SQLite keeps the order of a CROSS
    JOIN: it begins with the certificates that end soon, which are few."""
    row, site, account, state = models.Certificate, models.Website, models.Account, models.ServiceState
    theirs = (state.state == FOREIGN) & (fn.json_extract(state.presented, "$.self_signed") == 0)
    foreign = state.select(SQL("1")).where(
        theirs & state.service.in_(WEB_SERVICES) & (state.website == row.website)
    )
    checked = (account.state == AccountState.ACTIVE) & ((account.override == ENABLED) | _by_default(account))
    there = (site.main == row.website) & site.gone_at.is_null()
    owned = (account.name == site.account) & account.gone_at.is_null() & checked
    joined = query.join(site, JOIN.CROSS).switch(row).join(account, JOIN.CROSS)
    return joined.where(there & owned & ~fn.EXISTS(foreign))


def _by_default(account: Any) -> Any:
    """The condition that an account is checked by its feature list, and no override decides. A package that is not
    known is the default."""
    package, features = models.Package, models.FeatureList
    packages = dict(package.select(package.name, features.autossl).join(features).tuples())
    on, off = ([name for name, autossl in packages.items() if autossl is wanted] for wanted in (True, False))
    of_package = account.package.in_(on) if DEFAULT in off else account.package.not_in(off)
    return account.override.is_null() & of_package


def _problems() -> dict[tuple[str, str], int]:
    found: Counter[tuple[str, str]] = Counter()
    for code, number in overview.problem_codes(_HOST):
        found[code if code in CATALOGUE else UNKNOWN, problem(code).severity] += number
    return dict(found)


def _queue() -> dict[tuple[str, str], int]:
    entry = models.QueueEntry
    pending = entry.state.in_(WAITING_STATES) & entry.kind.in_(queue.WORK)
    rows = entry.select(entry.kind, entry.state, fn.COUNT(SQL("*"))).where(pending).group_by(entry.kind, entry.state)
    none = {(kind, state): 0 for kind in queue.WORK for state in WAITING_STATES}
    return none | {(kind, state): number for kind, state, number in rows.tuples()}


def _overdue(now: datetime) -> timedelta:
    """What is running is not overdue, however long it takes; what waits behind it is."""
    entry = models.QueueEntry
    due = entry.state.in_(("queued", "waiting")) & (entry.run_after <= now) & entry.kind.in_(queue.WORK)
    first = entry.select(entry.run_after).where(due).order_by(entry.run_after).first()
    return timedelta(0) if first is None else now - first.run_after


def _checks() -> list[LastCheck]:
    run = models.Run
    found = []
    for result in ("done", "failed", "stopped"):
        over = (run.scope == "*") & (run.result == result) & run.finished_at.is_null(False)
        last = run.select(run.started_at, run.finished_at).where(over).order_by(run.finished_at.desc()).first()
        if last is not None:
            seconds = (last.finished_at - last.started_at).total_seconds()
            found.append(LastCheck(result, last.finished_at, seconds))
    return found


def _providers(now: datetime) -> list[ProviderFacts]:
    row = models.Provider
    return [
        ProviderFacts(
            one.name, one.current, one.blocked_until is not None and one.blocked_until > now, _orders_left(one, now)
        )
        for one in row.select().order_by(row.name)
    ]


def _orders_left(row: models.Provider, now: datetime) -> int | None:
    try:
        limits = bare(row).specs().limits
    except Failure:  # its plug-in is gone, or its options don't fit it any more; the panel says so where it is used
        return None
    limit = next((one for one in limits if one.counted is Counted.ORDERS), None)
    if limit is None:
        return None
    table = models.Budget
    bucket = table.get_or_none((table.provider == row.name) & (table.counted == Counted.ORDERS) & (table.key == ""))
    return free(limit, now if bucket is None else bucket.full_at, now)


def _messages() -> dict[str, int]:
    row = models.Message
    return {state: row.select().where(row.state == state).count() for state in ("waiting", "failed")}


def _moment(key: str) -> datetime | None:
    kept = setting(key, None)
    return None if kept is None else datetime.fromisoformat(kept)
