"""Pending work as rows, and the lock that lets one process at a time work on an instance.

A row's `key` is unique while it is active, so a second request for the same work joins the first one. A row is claimed
by one conditional UPDATE, and has its owner and a heartbeat from then on. The lock is the kernel's and falls with its
process: for who holds it, every other owner on this host is dead, and what that left is taken over at once. An owner
on another host, which shares the instance by a file system without such locks, is dead when its heart stands still.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from peewee import IntegrityError

import models

ACTIVE = ("queued", "running", "waiting")
WORK = ("check", "order")
"""Kinds of entries that change something. The others are questions, which nobody finds in the pending queue."""
STALE = timedelta(minutes=2)
"""An owner that was not heard of for so long is dead; it says every ten seconds that it lives (`jobs/heartbeat.py`)."""

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


def owner() -> str:
    """This process, as the owner of rows."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(row: models.QueueEntry, now: datetime, **also: Any) -> bool:
    """Make this process the owner of a row that nobody works on, and set these values `also`. Only for who holds the
    lock. False: somebody else has it, or it is over; `row` is as before."""
    entries = models.QueueEntry
    values = {**claimed(now), **also}
    idle = entries.state.in_(("queued", "waiting")) | ((entries.state == "running") & _dead(now))
    if not entries.update(**values).where((entries.id == row.id) & idle).execute():
        return False
    for key, value in values.items():
        setattr(row, key, value)
    return True


def claimed(now: datetime) -> dict[str, Any]:
    """The values of a row that this process works on."""
    return {"state": "running", "owner": owner(), "heartbeat_at": now}


def take_over(now: datetime) -> int:
    """What dead processes left half-done; only for who holds the lock. A check is queued again; an order waits to be
    gone on with, and is due. Returns how many there were."""
    entries = models.QueueEntry
    checks = (entries.kind == "check") & (entries.state == "running") & _dead(now)
    orders = (entries.kind == "order") & entries.state.in_(("queued", "running")) & _dead(now)
    values = {"owner": None, "run_after": now}
    return int(
        entries.update(state="queued", **values).where(checks).execute()
        + entries.update(state="waiting", **values).where(orders).execute()
    )


def beat(row: models.QueueEntry, now: datetime) -> bool:
    """Say that the owner of `row` lives, for it and all else that it has. False: the row is not its own any more."""
    entries = models.QueueEntry
    own = (entries.owner == row.owner) & (entries.state == "running")
    entries.update(heartbeat_at=now).where(own).execute()
    return bool(entries.select(entries.id).where(own & (entries.id == row.id)).exists())


def request_order(
    website: str, account: str, provider: str, payload: dict[str, Any], now: datetime, **also: Any
) -> tuple[models.QueueEntry, bool]:
    """The row for an order of `website`, with these values `also`; one that is active already is returned as it is.
    True: it was there."""
    return _request(
        "order", f"order:{website}", now, account=account, website=website, provider=provider,
        payload=json.dumps(payload), **also,
    )


def active_orders() -> dict[str, models.QueueEntry]:
    """Orders that were begun and not closed, by website."""
    rows = models.QueueEntry.select().where(
        (models.QueueEntry.kind == "order") & models.QueueEntry.state.in_(ACTIVE)  # type: ignore[attr-defined]
    )
    return {row.website: row for row in rows}


def active_order(website: str) -> models.QueueEntry | None:
    """The one of this website."""
    row: models.QueueEntry | None = models.QueueEntry.get_or_none(_active(f"order:{website}"))
    return row


def update(row: models.QueueEntry, **values: Any) -> None:
    """Change a row and keep the object in step; one statement."""
    models.QueueEntry.update(**values).where(models.QueueEntry.id == row.id).execute()
    for key, value in values.items():
        setattr(row, key, value)


def give_back(row: models.QueueEntry, **values: Any) -> bool:
    """Change a row and be its owner no more. False: it was taken over meanwhile, and is not touched."""
    own = (models.QueueEntry.id == row.id) & (models.QueueEntry.owner == row.owner)
    return bool(models.QueueEntry.update(owner=None, **values).where(own).execute())


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
        try:
            return models.QueueEntry.create(kind=kind, key=key, requested_at=now, run_after=now, **values), False
        except IntegrityError:
            row = models.QueueEntry.get_or_none(_active(key))
        if row is not None:
            return row, True


def _dead(now: datetime) -> Any:
    """The condition that a row's owner can't be working on it, for who holds the lock."""
    entries = models.QueueEntry
    here = entries.owner.startswith(f"{socket.gethostname()}:")
    silent = entries.heartbeat_at.is_null() | (entries.heartbeat_at < now - STALE)
    return entries.owner.is_null() | here | silent


def _active(key: str) -> Any:
    return (models.QueueEntry.key == key) & models.QueueEntry.state.in_(ACTIVE)  # type: ignore[attr-defined]
