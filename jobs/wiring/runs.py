"""Runs as somebody sees them: their rows are the index of the logs, and tell each only of his own accounts.

A run over other people's accounts as well has a result, totals and a progress that are not his; of such a run he is
told that it is running or over. Plans have a log and no row: the page that asked for a plan shows it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import SQL

import models
from jobs.policy.access import Reach
from jobs.report import counted
from jobs.wiring.people import accounts_in

EVERYTHING = "*"
OVER = "over"
_NAMED = 3


@dataclass(frozen=True)
class RunFacts:
    """One run. `accounts`: those that may be told of; empty for a run over all. `whole`: nobody else's are in it, so
    that result, totals and progress may be told too. `result`: running | done | failed | stopped, else running | over.
    """

    start: str
    provider: str
    accounts: tuple[str, ...]
    whole: bool
    result: str
    started: datetime
    finished: datetime | None
    summary: str = ""
    done: int = 0
    total: int = 0
    current: str = ""

    @property
    def scope(self) -> str:
        """In a few words."""
        if not self.accounts:
            return "all accounts"
        named, more = self.accounts[:_NAMED], len(self.accounts) - _NAMED
        return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def runs_in(within: Reach) -> Any:
    """The condition on `models.Run` that holds for runs that were about an account in reach."""
    if within.nothing:
        return SQL("0")
    if within.everything:
        return SQL("1")
    return (models.Run.scope == EVERYTHING) | models.Run.id.in_(_of_accounts(accounts_in(within)))


def runs_of(account: str) -> Any:
    """The condition on `models.Run` that holds for runs that were about this account."""
    return (models.Run.scope == EVERYTHING) | models.Run.id.in_(_of_accounts(models.Account.name == account))


def runs_with(text: str, within: Reach) -> Any:
    """The condition on `models.Run` that holds for runs with `text` in start, provider or an account in reach."""
    row = models.Run
    named = models.Account.name.contains(text) & accounts_in(within)
    return row.start.contains(text) | row.provider.contains(text) | row.id.in_(_of_accounts(named))


def find(start: str, within: Reach) -> RunFacts | None:
    """The run of that start, if it is there and was about an account in reach."""
    row = models.Run.get_or_none((models.Run.start == start) & runs_in(within))
    return None if row is None else shown([row], within)[0]


def latest(within: Reach) -> RunFacts | None:
    """The run that began last."""
    row = models.Run.select().where(runs_in(within)).order_by(models.Run.start.desc()).first()
    return None if row is None else shown([row], within)[0]


def shown(rows: Sequence[models.Run], within: Reach) -> list[RunFacts]:
    """Rows under `runs_in`, as they may be told of."""
    single = [row.id for row in rows if row.scope != EVERYTHING]
    known: dict[int, list[str]] = {}
    if single and not within.everything:
        link = models.RunAccount
        pairs = link.select(link.run, link.account).join(models.Account, on=models.Account.name == link.account)
        for run, account in pairs.where(link.run.in_(single) & accounts_in(within)).order_by(link.account).tuples():
            known.setdefault(run, []).append(account)
    return [_facts(row, within, tuple(known.get(row.id, ()))) for row in rows]


def reached(within: Reach) -> frozenset[str] | None:
    """The accounts in reach by name; None for everything."""
    if within.everything:
        return None
    return frozenset(name for (name,) in models.Account.select(models.Account.name).where(accounts_in(within)).tuples())


def _of_accounts(condition: Any) -> Any:
    link = models.RunAccount
    return link.select(link.run).join(models.Account, on=models.Account.name == link.account).where(condition)


def _facts(row: models.Run, within: Reach, known: tuple[str, ...]) -> RunFacts:
    named = () if row.scope == EVERYTHING else tuple(row.scope.split(","))
    whole = within.everything or (bool(named) and set(named) == set(known))
    if not whole:
        result = "running" if row.finished_at is None else OVER
        return RunFacts(row.start, row.provider, known, False, result, row.started_at, row.finished_at)
    return RunFacts(
        start=row.start,
        provider=row.provider,
        accounts=named,
        whole=True,
        result=row.result,
        started=row.started_at,
        finished=row.finished_at,
        summary=counted(json.loads(row.totals)),
        done=row.done or 0,
        total=row.total or 0,
        current=row.current or "",
    )
