"""What is wrong with the names of a website, as rows: since when, when it is tried again, what the preflight saw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import models
from jobs.policy import preflight_report
from jobs.policy.failure import LeftOff
from jobs.policy.preflight_report import Report
from jobs.policy.retry import next_try

NO_REPORTS: Mapping[str, Report] = MappingProxyType({})


def keep(
    website: str,
    fresh: Iterable[LeftOff],
    kept: Collection[str],
    lifetime: timedelta,
    now: datetime,
    daily: Collection[str],
    not_before: datetime | None = None,
    reports: Mapping[str, Report] = NO_REPORTS,
) -> None:
    """Make `fresh` the problems of a website, beside the names in `kept`, whose rows stay as they are.

    The same problem counts up and is tried later each time (`lifetime`: of the certificate at stake); a code
    in `daily` is tried once a day at once. `not_before`: the time that the cause named (Retry-After), if later.
    `reports`: what the preflight saw of the names.
    """
    with models.database.atomic():
        rows = {row.name: row for row in models.Problem.select().where(models.Problem.website == website)}
        for trouble in fresh:
            row = rows.pop(trouble.name, None)
            again = row is not None and row.code == trouble.code
            attempts = row.attempts + 1 if again else 1
            retry_at = next_try(attempts, now, lifetime, permanent=trouble.code in daily)
            values = {
                "code": trouble.code,
                "text": trouble.text,
                "since": row.since if again else now,
                "seen_at": now,
                "attempts": attempts,
                "retry_at": max(retry_at, not_before) if not_before else retry_at,
                "report": preflight_report.kept(reports[trouble.name]) if trouble.name in reports else None,
            }
            if row:
                models.Problem.update(**values).where(models.Problem.id == row.id).execute()
            else:
                models.Problem.create(website=website, name=trouble.name, **values)
        gone = [row.id for name, row in rows.items() if name not in kept]
        if gone:
            models.Problem.delete().where(models.Problem.id.in_(gone)).execute()


def report(website: str, name: str) -> tuple[Report, datetime] | None:
    """What the preflight saw of a name when it failed last, and when that was; None where nothing was kept."""
    row = models.Problem
    found = row.select(row.report, row.seen_at).where((row.website == website) & (row.name == name)).first()
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
