"""The state of an installation, or of the accounts that somebody reaches, in a few figures.

Read from rows only, in a number of queries that does not depend on how much there is, each answered by an index;
nothing is asked of a CA or a service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from peewee import SQL, fn

import models
from jobs.policy.access import Reach
from jobs.policy.problems import CATALOGUE, Severity, problem
from jobs.policy.served_watch import CODES
from jobs.policy.site import UNASSIGNED
from jobs.wiring.people import accounts_in

WEEKS = 13
SERVED = "installed"
"""The state of a service that was seen to present the certificate that is installed for the website."""

FAILED = ("failed", "unreadable")
DIFFERS = "differs"
"""Instead of SERVED, where the watch saw something else served since (`jobs/policy/served_watch.py`)."""

MOST_FAILED = 10
MOST_URLS = 3
_INFORMATION, _WARNINGS = (
    [code for code, entry in CATALOGUE.items() if entry.severity is severity]
    for severity in (Severity.INFO, Severity.WARNING)
)


@dataclass(frozen=True)
class Figures:
    """`names` should be covered, of which `covered` are; None while no check has counted them."""

    accounts: int
    websites: int
    names: int | None
    covered: int
    errors: int
    warnings: int


@dataclass(frozen=True)
class Week:
    """How many certificates end in the seven days from `first` to `last`, in UTC."""

    first: date
    last: date
    ending: int


@dataclass(frozen=True)
class Expiries:
    """Live certificates by when they end: `over` already, in one of the next `WEEKS` weeks, or `later`."""

    over: int
    weeks: tuple[Week, ...]
    later: int

    @property
    def total(self) -> int:
        return self.over + sum(week.ending for week in self.weeks) + self.later


@dataclass(frozen=True)
class EarlyRenewals:
    """How many certificates, and where the CAs say why (http or https, checked when they said so)."""

    certificates: int
    urls: tuple[str, ...]


@dataclass(frozen=True)
class ServiceFacts:
    """A service: for how many websites it is in each state."""

    name: str
    states: dict[str, int]

    @property
    def served(self) -> int:
        return self.states.get(SERVED, 0)

    @property
    def failed(self) -> int:
        return sum(self.states.get(state, 0) for state in (*FAILED, DIFFERS))

    @property
    def total(self) -> int:
        return sum(self.states.values())


@dataclass(frozen=True)
class FailedService:
    """A website for which a service does not present what is installed. `text` is for who sees the whole host."""

    service: str
    website: str
    account: str
    text: str
    retry_at: datetime | None


def figures(within: Reach) -> Figures:
    row = models.Account
    known = row.gone_at.is_null() & (row.name != UNASSIGNED) & accounts_in(within)
    sums = row.select(fn.COUNT(SQL("*")), fn.SUM(row.wanted), fn.SUM(row.covered)).where(known).tuples().first()
    accounts, names, covered = sums
    site = models.Website
    there = site.gone_at.is_null() & site.part_of.is_null()
    websites = site.select().where(there & _owned(site.account, within)).count()
    found = dict.fromkeys(Severity, 0)
    for code, number in problem_codes(within):
        found[problem(code).severity] += number
    return Figures(accounts, websites, names, covered or 0, found[Severity.ERROR], found[Severity.WARNING])


def expiries(within: Reach, now: datetime) -> Expiries:
    row = models.Certificate
    today = now.date()
    day = fn.SUBSTR(row.not_after, 1, 10).coerce(False)
    ended = row.not_after < now
    live = row.retired_at.is_null() & concerns(row.website, within)
    query = row.select(day, ended, fn.COUNT(SQL("*"))).where(live).group_by(day, ended)
    over, later, ending = 0, 0, [0] * WEEKS
    for text, is_over, number in query.tuples():
        week = (date.fromisoformat(text) - today).days // 7
        if is_over:
            over += number
        elif week < WEEKS:
            ending[week] += number
        else:
            later += number
    firsts = [today + timedelta(weeks=number) for number in range(WEEKS)]
    weeks = (Week(first, first + timedelta(days=6), number) for first, number in zip(firsts, ending, strict=True))
    return Expiries(over, tuple(weeks), later)


def early_renewals() -> EarlyRenewals:
    """Live certificates that their CAs want renewed clearly before their time, as before a mass revocation."""
    row = models.Certificate
    asked = row.select(row.ari_url, fn.COUNT(SQL("*"))).where(row.retired_at.is_null() & (row.ari_early == True))  # noqa: E712
    found = dict(asked.group_by(row.ari_url).order_by(fn.COUNT(SQL("*")).desc()).tuples())
    return EarlyRenewals(sum(found.values()), tuple(url for url in found if url)[:MOST_URLS])


def services(within: Reach) -> list[ServiceFacts]:
    """Every service that a check has seen, by name; what the watch saw since counts."""
    row = models.ServiceState
    query = row.select(row.state, row.service, fn.COUNT(SQL("*"))).where(concerns(row.website, within))
    found: dict[str, dict[str, int]] = {}
    for state, service, number in query.group_by(row.state, row.service).tuples():
        found.setdefault(service, {})[state] = number
    differing = row.select(row.service, fn.COUNT(SQL("*"))).where(_differs() & concerns(row.website, within))
    for service, number in differing.group_by(row.service).tuples():
        found[service][SERVED] -= number
        found[service][DIFFERS] = number
    return [ServiceFacts(name, found[name]) for name in sorted(found)]


def failed_services(within: Reach) -> list[FailedService]:
    """The first few: what is served otherwise than installed, then what could not be installed; by service and
    website."""
    row = models.ServiceState
    wrong = (_differs() | row.state.in_(FAILED)) & concerns(row.website, within)
    order = (row.state != SERVED, row.state, row.service, row.website)
    rows = list(row.select().where(wrong).order_by(*order).limit(MOST_FAILED))
    owners = owners_of([one.website for one in rows])
    seen = _told_by_the_watch([one.website for one in rows if one.state == SERVED])
    return [
        FailedService(
            one.service,
            one.website,
            owners.get(one.website, ""),
            seen.get((one.website, one.service), one.text) if within.everything else "",
            one.retry_at,
        )
        for one in rows
    ]


def looked_at(within: Reach) -> datetime | None:
    """Every service was asked what it serves since then, as far as anything is installed there."""
    row = models.ServiceState
    watched = (row.state == SERVED) & row.served_at.is_null(False) & concerns(row.website, within)
    oldest = row.select(row.served_at).where(watched).order_by(row.served_at).first()
    return None if oldest is None else oldest.served_at


def _differs() -> Any:
    row = models.ServiceState
    usual = fn.LIKELY(row.state == SERVED)  # or SQLite looks through nearly every row for the few that differ
    return usual & (row.served_state == DIFFERS)


def _told_by_the_watch(mains: Sequence[str]) -> dict[tuple[str, str], str]:
    if not mains:
        return {}
    row = models.Problem
    own = row.website.in_(list(mains)) & row.code.in_(list(CODES.values())) & (row.service != "")
    return {
        (website, service): text
        for website, service, text in row.select(row.website, row.service, row.text).where(own).tuples()
    }


def real_problems(within: Reach) -> Any:
    """The condition on `models.Problem` for what somebody should look at, on websites that exist and are in reach."""
    row = models.Problem
    return models.REAL_PROBLEM & row.code.not_in(_INFORMATION) & concerns(row.website, within)


def is_warning() -> Any:
    """The condition on `models.Problem` for what is no error; a code that the catalogue doesn't know is one."""
    return models.Problem.code.in_(_WARNINGS)


def owners_of(mains: Sequence[str]) -> dict[str, str]:
    """The account of each of these websites."""
    row = models.Website
    if not mains:
        return {}
    return dict(row.select(row.main, row.account).where(row.main.in_(list(mains))).tuples())


def concerns(website: Any, within: Reach) -> Any:
    """The condition on a column of main names that holds for websites that exist and whose account is in reach."""
    row = models.Website
    if within.everything:
        return website.not_in(row.select(row.main).where(row.gone_at.is_null(False)))
    return website.in_(row.select(row.main).where(row.gone_at.is_null() & _owned(row.account, within)))


def _owned(account: Any, within: Reach) -> Any:
    """The condition on a column of account names. For everything it is no condition."""
    row = models.Account
    if within.everything:
        return accounts_in(within)
    return account.in_(row.select(row.name).where(row.gone_at.is_null() & accounts_in(within)))


def problem_codes(within: Reach) -> list[tuple[str, int]]:
    """How many real problems of each code there are."""
    row = models.Problem
    return list(row.select(row.code, fn.COUNT(SQL("*"))).where(real_problems(within)).group_by(row.code).tuples())
