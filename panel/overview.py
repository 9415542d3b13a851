"""The first page after the sign-in: how much is covered, what ends when, what is wrong, what is served.

An administrator sees the host, everybody else the accounts in reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_login import current_user
from peewee import SQL, Case

import models
from jobs.policy.access import Reach, Right
from jobs.policy.customer_words import Words, for_host, for_owner
from jobs.policy.problems import Severity, problem
from jobs.wiring import overview, runs
from jobs.wiring.instance import now
from panel import charts, hx
from panel.access import needs
from panel.header import header, next_nightly
from panel.paging import Ask, Page, asked, paginate
from panel.tabs import Tab
from panel.wording import SERVICES
from panel.work import instance

pages = Blueprint("overview", __name__)
TAB = Tab("Overview", "overview.show", Right.SEE)

WORST_FIRST = "-severity"
SEVERITIES = ("", str(Severity.ERROR), str(Severity.WARNING))


@dataclass(frozen=True)
class Trouble:
    """A row of the problems, in the words for who reads it. `name` is empty for the website as a whole."""

    severity: Severity
    words: Words
    account: str
    website: str
    name: str
    service: str
    since: datetime
    retry_at: datetime | None


@pages.get("/")
@needs(Right.SEE)
def show() -> ResponseReturnValue:
    within: Reach = current_user.reach
    page = troubles(within)
    if hx.wants_partial():
        return hx.partial_only("overview/_problems.html", page=page, severities=SEVERITIES, titles=SERVICES)
    found, ending = overview.figures(within), overview.expiries(within, now())
    return hx.page_or_partial(
        "overview/index.html",
        "overview/_problems.html",
        page=page,
        severities=SEVERITIES,
        figures=found,
        ring=charts.ring(found),
        expiries=ending,
        bars=charts.bars(ending),
        services=[(service, charts.shares(service)) for service in overview.services(within)],
        failed=overview.failed_services(within),
        looked_at=overview.looked_at(within),
        early=overview.early_renewals() if within.everything else None,
        titles=SERVICES,
        last=runs.latest(within),
        nightly=header().nightly if current_user.may(Right.SEE_HOST) else next_nightly(instance().config),
    )


def troubles(within: Reach) -> Page:
    """The problems in reach that the request asks for, the worst first, among those the newest."""
    row = models.Problem
    rank = Case(None, ((overview.is_warning(), 0),), 1)
    columns = {
        "severity": (rank, row.since, row.id),
        "website": (row.website, row.name),
        "since": (row.since, row.id),
        "retry": (row.retry_at, row.id),
    }
    ask = asked(columns, WORST_FIRST, {"severity": SEVERITIES})
    query = row.select(row.id).where(overview.real_problems(within) & _matching(ask, within))
    page = paginate(ask, query, columns, WORST_FIRST)  # sorted within an index: only the page's rows are read whole
    chosen = {one.id: one for one in row.select().where(row.id.in_([one.id for one in page.rows]))}
    words = for_host if within.everything else for_owner
    return replace(page, rows=_told([chosen[one.id] for one in page.rows if one.id in chosen], words))


def _matching(ask: Ask, within: Reach) -> Any:
    """What is searched for; in the texts only by who reads them as they are."""
    row = models.Problem
    found: Any = SQL("1")
    if ask.q:
        named = row.website.contains(ask.q) | row.name.contains(ask.q)
        found &= named | row.text.contains(ask.q) if within.everything else named
    severity = ask.filters["severity"]
    if severity:
        found &= overview.is_warning() if severity == Severity.WARNING else ~overview.is_warning()
    return found


def _told(rows: Sequence[models.Problem], words: Callable[[str, str], Words]) -> list[Trouble]:
    owners = overview.owners_of([row.website for row in rows])
    return [
        Trouble(
            severity=problem(row.code).severity,
            words=words(row.code, row.text),
            account=owners.get(row.website, ""),
            website=row.website,
            name=row.name,
            service=row.service,
            since=row.since,
            retry_at=row.retry_at,
        )
        for row in rows
    ]
