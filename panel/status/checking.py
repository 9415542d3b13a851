"""How far the check of one account is: asked for, under way, or over, whoever asked for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import models
from jobs.wiring import check_states, runs


@dataclass(frozen=True)
class Last:
    """A check that covered the account and is over. `result`: done | failed | stopped | over."""

    result: str
    finished_at: datetime


@dataclass(frozen=True)
class Checking:
    """`state`: queued | running, or empty. `ahead`: checks that come first; `everybody`: it is one of all accounts, so
    that `done` of `total` websites are not the account's own."""

    state: str = ""
    asked_at: datetime | None = None
    ahead: int = 0
    everybody: bool = False
    done: int = 0
    total: int = 0
    last: Last | None = None

    @property
    def version(self) -> str:
        """Changes when what is shown changes."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]


def checking(account: str) -> Checking:
    """Three queries at most, none of which grows with the number of accounts but by what is asked for right now."""
    last, mine = _last(account), check_states.active_of(account)
    if not mine:
        return Checking(last=last)
    row = next((one for one in mine if one.state == "running"), mine[0])
    everybody = check_states.members(row) is None
    if row.state == "queued":
        entries = models.QueueEntry
        asked = (entries.kind == "check") & entries.state.in_(("queued", "running"))
        ahead = entries.select().where(asked & (entries.id < row.id)).count()
        return Checking("queued", row.requested_at, ahead, everybody, last=last)
    run = models.Run.get_or_none(models.Run.start == row.answer)
    done, total = (run.done or 0, run.total or 0) if run else (0, 0)
    return Checking("running", row.requested_at, 0, everybody or "," in row.key, done, total, last)


def _last(account: str) -> Last | None:
    """How a check of everybody ended is not told: its failures may be others'."""
    row = models.Run
    over = runs.runs_of(account) & row.finished_at.is_null(False)
    last = row.select(row.scope, row.result, row.finished_at).where(over).order_by(row.id.desc()).first()
    return None if last is None else Last(last.result if last.scope == account else runs.OVER, last.finished_at)
