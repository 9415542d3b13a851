"""Pending work as rows, and the lock that lets one process at a time work on an instance.

A row's `key` is unique while it is active, so a second request for the same work joins the first one.
Who holds the lock is the owner of every active row: a row left active by a dead process is taken over.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from peewee import IntegrityError

import models

ACTIVE = ("queued", "running", "waiting")
WORK = ("check", "order")
"""Kinds of entries that change something. The others are questions, which nobody finds in the pending queue."""
_LONGEST_WAIT = 0.5


def request_check(accounts: Sequence[str] | None, forced: bool, now: datetime) -> tuple[models.QueueEntry, bool]:
    """The row for a check of these accounts, or of all, and whether it was there already.

    A check of all that has not begun yet covers every account, so it is joined as well. A person who joins a check
    that the clock has asked for makes it one that tries at once.
    """
    if accounts is not None:
        everything = models.QueueEntry.get_or_none(_active("check:*") & (models.QueueEntry.state == "queued"))
        if everything is not None and not forced:
            return everything, True
    name = "*" if accounts is None else ",".join(sorted(accounts))
    payload = json.dumps({"accounts": None if accounts is None else sorted(accounts), "forced": forced})
    account = accounts[0] if accounts is not None and len(accounts) == 1 else None
    row, joined = _request("check", f"check:{name}", now, account=account, payload=payload)
    if joined and forced:
        queued = (models.QueueEntry.id == row.id) & (models.QueueEntry.state == "queued")
        models.QueueEntry.update(payload=payload).where(queued).execute()
    return row, joined


def next_check(now: datetime) -> models.QueueEntry | None:
    """The check that is to be performed next: what people asked for first, then the oldest."""
    due = (models.QueueEntry.state == "queued") & (models.QueueEntry.run_after <= now)
    rows = models.QueueEntry.select().where(due & (models.QueueEntry.kind == "check"))
    return rows.order_by(models.QueueEntry.id).first()


def take_over(now: datetime) -> int:
    """Checks that a dead process left half-done are queued again; only for who holds the lock. Returns how many."""
    left = (models.QueueEntry.kind == "check") & (models.QueueEntry.state == "running")
    return int(models.QueueEntry.update(state="queued", owner=None, run_after=now).where(left).execute())


def request_order(
    website: str, account: str, provider: str, payload: dict[str, Any], now: datetime
) -> models.QueueEntry:
    """The row for an order of `website`; one that is active already is returned as it is."""
    row, _ = _request(
        "order", f"order:{website}", now, account=account, website=website, provider=provider,
        payload=json.dumps(payload),
    )
    return row


def active_orders() -> dict[str, models.QueueEntry]:
    """Orders that were begun and not closed, by website."""
    rows = models.QueueEntry.select().where(
        (models.QueueEntry.kind == "order") & models.QueueEntry.state.in_(ACTIVE)  # type: ignore[attr-defined]
    )
    return {row.website: row for row in rows}


def update(row: models.QueueEntry, **values: Any) -> None:
    """Change a row and keep the object in step; one statement."""
    models.QueueEntry.update(**values).where(models.QueueEntry.id == row.id).execute()
    for key, value in values.items():
        setattr(row, key, value)


def finish(row: models.QueueEntry, state: str, answer: str, now: datetime) -> None:
    """Close a row: done, failed or cancelled."""
    update(row, state=state, answer=answer, finished_at=now, owner=None)


@contextmanager
def instance_lock(path: Path, on_wait: Callable[[], None], give_up: Callable[[], bool]) -> Iterator[bool]:
    """Hold the instance's work lock; `on_wait` is called once if somebody else holds it. False: `give_up` said so.

    The lock is the kernel's (flock), so it falls with its process, however that dies.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        wait, told = 0.01, False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    on_wait()
                    told = True
                if give_up():
                    yield False
                    return
                time.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
        yield True
    finally:
        os.close(descriptor)


def _request(kind: str, key: str, now: datetime, **values: Any) -> tuple[models.QueueEntry, bool]:
    while True:
        row = models.QueueEntry.get_or_none(_active(key))
        if row is not None:
            return row, True
        try:
            return models.QueueEntry.create(kind=kind, key=key, requested_at=now, run_after=now, **values), False
        except IntegrityError:
            continue  # somebody else was quicker; the next look finds their row


def _active(key: str) -> Any:
    return (models.QueueEntry.key == key) & models.QueueEntry.state.in_(ACTIVE)  # type: ignore[attr-defined]
