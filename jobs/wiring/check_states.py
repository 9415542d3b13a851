"""Where the check of an account stands, from the queue's rows: two queries for any number of accounts."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import fn

import models
from jobs import queue

EVERYTHING = "check:*"
_START = re.compile(r"\A\d{4}-\d\d-\d\dT[0-9:.]{8,12}Z\Z")


@dataclass(frozen=True)
class CheckState:
    """`state`: queued | running | done | failed | cancelled, or empty if there was no check yet. `shared`: the check
    is of other accounts as well, so that a failure may be theirs."""

    state: str = ""
    entry: int = 0
    shared: bool = False
    requested: datetime | None = None
    finished: datetime | None = None
    run: str = ""
    """Start of the run, whose log tells more; empty if it did not come to one."""
    text: str = ""
    """Why there was no run."""

    @property
    def active(self) -> bool:
        return self.state in queue.ACTIVE


def of_accounts(accounts: Collection[str]) -> dict[str, CheckState]:
    """The check that is queued or running, else the latest that is over, of each of these accounts by name."""
    found = _latest(accounts)
    for row in _active(accounts):
        named = members(row)
        for account in accounts:
            if named is None or account in named:
                former = found.get(account)
                if former is None or not former.active or former.shared:
                    found[account] = _state(row, named)
    return {account: found.get(account, CheckState()) for account in accounts}


def active_of(account: str) -> list[models.QueueEntry]:
    """The checks that are not over and cover this account, in their order."""
    found = ((row, members(row)) for row in _active([account]))
    return [row for row, named in found if named is None or account in named]


def members(row: models.QueueEntry) -> frozenset[str] | None:
    """The accounts of a check; None: all."""
    accounts = json.loads(row.payload).get("accounts")
    return None if accounts is None else frozenset(accounts)


def of_entries(watched: Iterable[tuple[str, int]]) -> dict[str, CheckState]:
    """Where these checks stand, by account; what is no check of that account is left out."""
    wanted = dict(watched)
    rows = {row.id: row for row in models.QueueEntry.select().where(models.QueueEntry.id.in_(list(wanted.values())))}
    found = {}
    for account, entry in wanted.items():
        row = rows.get(entry)
        if row is None or row.kind != "check":
            continue
        named = members(row)
        if named is None or account in named:
            found[account] = _state(row, named)
    return found


def _active(accounts: Collection[str]) -> list[models.QueueEntry]:
    """Checks that are not over: of one of these accounts, or of several or all (those name no account)."""
    row = models.QueueEntry
    mine = row.account.in_(list(accounts)) | row.account.is_null()
    active = row.state.in_(queue.ACTIVE) & (row.kind == "check")  # type: ignore[attr-defined]
    return list(row.select().where(active & mine).order_by(row.id))


def _latest(accounts: Collection[str]) -> dict[str, CheckState]:
    """The latest check that is over, of each account alone or of all."""
    row = models.QueueEntry
    keys = {f"check:{account}": account for account in accounts}
    newest = row.select(fn.MAX(row.id)).where(row.key.in_([*keys, EVERYTHING]) & row.finished_at.is_null(False))
    latest = {one.key: one for one in row.select().where(row.id.in_(newest.group_by(row.key)))}
    everything = latest.pop(EVERYTHING, None)
    found = {}
    for key, account in keys.items():
        both = [one for one in (latest.get(key), everything) if one is not None]
        if both:
            newer = max(both, key=lambda one: one.id)
            found[account] = _state(newer, members(newer))
    return found


def _state(row: Any, named: frozenset[str] | None) -> CheckState:
    reported = bool(_START.match(row.answer))
    return CheckState(
        state=row.state,
        entry=row.id,
        shared=named is None or len(named) > 1,
        requested=row.requested_at,
        finished=row.finished_at,
        run=row.answer if reported else "",
        text="" if reported else row.answer,
    )
