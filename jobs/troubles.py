"""What is wrong with the names of a website, as rows: since when, when it is tried again, what the preflight saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from peewee import chunked

import models
from jobs.policy import preflight_report
from jobs.policy.certificate import Certificate
from jobs.policy.coverage import UNUSED
from jobs.policy.failure import LeftOff
from jobs.policy.limits import NEAR
from jobs.policy.preflight_report import Report
from jobs.policy.retry import next_try

_AT_ONCE = 200
_CHANGE = ("code", "text", "since", "seen_at", "attempts", "failures", "retry_at", "report")


@dataclass(frozen=True)
class Found:
    """What a check found wrong with a website: `fresh` is now, `kept` are names whose rows stay as they are.

    The same problem counts up and is tried later each time (`at_stake`: the certificate that ends if it lasts); a code
    in `daily` is tried once a day at once. `not_before`: the time that the cause named (Retry-After), if later;
    `no_later`: when things change by themselves, if sooner. `reports`: what the preflight saw of the names.
    `dates`: names (the empty one: the website) whose turn comes then, neither sooner nor later: when the provider is
    asked again, or its limit allows it. Nothing of them counts up.
    """

    website: str
    fresh: Sequence[LeftOff] = ()
    kept: Collection[str] = ()
    at_stake: Certificate | None = None
    daily: Collection[str] = ()
    not_before: datetime | None = None
    reports: Mapping[str, Report] = field(default_factory=dict)
    no_later: datetime | None = None
    dates: Mapping[str, datetime] = field(default_factory=dict)


def keep(websites: Sequence[Found], now: datetime) -> None:
    """Make what was found the problems of these websites, many in one transaction."""
    for some in chunked(websites, _AT_ONCE):
        with models.database.atomic():
            rows, gone = _differences(some, now)
            for fresh in chunked(rows, _AT_ONCE):
                query = models.Problem.insert_many(fresh)
                target = [models.Problem.website, models.Problem.name, models.Problem.service]
                change = [getattr(models.Problem, key) for key in _CHANGE]
                query.on_conflict(conflict_target=target, preserve=change).execute()
            if gone:
                models.Problem.delete().where(models.Problem.id.in_(gone)).execute()


def _differences(websites: Sequence[Found], now: datetime) -> tuple[list[dict[str, Any]], list[int]]:
    """(rows to write, ids of rows to remove). The watch keeps its own rows, which stay."""
    table = models.Problem
    columns = (table.id, table.website, table.name, table.code, table.attempts, table.failures, table.since)
    own = table.website.in_([found.website for found in websites]) & (table.service == "")
    known: dict[str, dict[str, models.Problem]] = {}
    for row in table.select(*columns).where(own):
        known.setdefault(row.website, {})[row.name] = row
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    gone: list[int] = []
    for found in websites:
        left = known.get(found.website, {})
        for trouble in found.fresh:
            rows[found.website, trouble.name] = _row(found, trouble, left.pop(trouble.name, None), now)
        gone += [row.id for name, row in left.items() if name not in found.kept]
    return list(rows.values()), gone


def _row(found: Found, trouble: LeftOff, row: models.Problem | None, now: datetime) -> dict[str, Any]:
    """The row of one problem as it is to be; `row`: as it is."""
    again = row if row is not None and row.code == trouble.code else None
    attempts = again.attempts + 1 if again else 1
    failures = row.failures + 1 if row else 1
    retry_at = next_try(attempts, now, found.at_stake, permanent=trouble.code in found.daily)
    retry_at = min(retry_at, found.no_later) if found.no_later else retry_at
    retry_at = max(retry_at, found.not_before) if found.not_before else retry_at
    if trouble.name in found.dates:
        once = 0 if trouble.code == NEAR else 1
        attempts, failures = (again.attempts if again else 1), (row.failures if row else once)
        retry_at = found.dates[trouble.name]
    report = found.reports.get(trouble.name)
    return {
        "website": found.website,
        "name": trouble.name,
        "service": "",
        "code": trouble.code,
        "text": trouble.text,
        "since": again.since if again else now,
        "seen_at": now,
        "attempts": attempts,
        "failures": failures,
        "retry_at": retry_at,
        "report": preflight_report.kept(report) if report else None,
    }


def take_up_again(websites: Collection[str] | None, now: datetime) -> None:
    """What is configured of these websites, or for all, has changed: what failed before may do now, and is tried at the
    next look with a fresh count."""
    row = models.Problem
    waits = (row.service == "") & (row.code != UNUSED) & (row.retry_at > now)
    if websites is not None:
        waits &= row.website.in_(list(websites))
    row.update(retry_at=now, attempts=0).where(waits).execute()


def report(website: str, name: str) -> tuple[Report, datetime] | None:
    """What the preflight saw of a name when it failed last, and when that was; None where nothing was kept."""
    row = models.Problem
    own = (row.website == website) & (row.name == name) & (row.service == "")
    found = row.select(row.report, row.seen_at).where(own).first()
    seen = preflight_report.read(found.report) if found else None
    return None if seen is None else (seen, found.seen_at)


def reports(of: Collection[str] | None = None) -> dict[tuple[str, str], Report]:
    """The same of every name of all websites or of these, by website and name."""
    row = models.Problem
    query = row.select(row.website, row.name, row.report).where(row.report.is_null(False))
    if of is not None:
        query = query.where(row.website.in_(list(of)))
    found = {(website, name): preflight_report.read(text) for website, name, text in query.tuples()}
    return {key: seen for key, seen in found.items() if seen is not None}
