"""Counts wrong sign-ins in the database, so that neither a restart nor a second process forgets them.

An attempt is counted before it is looked at, and taken back if it was right: guesses at the same time count as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

import models
from jobs.policy.attempts import FORGOTTEN_AFTER, LIMITS, TRUSTED_FOR, blocked_until, network
from jobs.policy.failure import Failure

MOST_ROWS = 20_000
_PRUNED_TO = 18_000


def claim(name: str, address: str, user: models.User | None, now: datetime) -> None:
    """Count an attempt to sign in as `name`. Raises Failure("login_limited") with `retry_at` where it has to wait."""
    with models.database.atomic():
        prune(now)
        keys = dict(_keys(name, address))
        rows = {row.kind: row for row in models.Attempt.select().where(models.Attempt.key.in_(list(keys.values())))}
        until = _until(rows, now)
        if until is not None:
            raise Failure("login_limited", "too many failed attempts to log in", retry_at=until)
        for kind, key in keys.items():
            row = rows.get(kind)
            owner = user if kind != "address" else None
            failures = 1 if row is None or row.changed_at <= now - FORGOTTEN_AFTER else row.failures + 1
            table = models.Attempt
            table.insert(key=key, kind=kind, failures=failures, user=owner, changed_at=now).on_conflict(
                conflict_target=[table.key], preserve=[table.failures, table.user, table.changed_at]
            ).execute()


def take_back(name: str, address: str) -> None:
    """The attempt that was counted last was no wrong one."""
    keys = [key for _, key in _keys(name, address)]
    counted = models.Attempt.key.in_(keys) & (models.Attempt.failures > 0)
    models.Attempt.update(failures=models.Attempt.failures - 1).where(counted).execute()


def succeeded(name: str, address: str, now: datetime) -> None:
    """The sign-in is complete: this name's failures from this address are forgotten, and the address is known."""
    with models.database.atomic():
        take_back(name, address)
        key = dict(_keys(name, address))["pair"]
        values = {"failures": 0, "changed_at": now, "succeeded_at": now}
        models.Attempt.update(**values).where(models.Attempt.key == key).execute()


def known(name: str, address: str, now: datetime) -> bool:
    """Whether somebody signed in by this name from this address not long ago."""
    row = models.Attempt.get_or_none(models.Attempt.key == dict(_keys(name, address))["pair"])
    return _trusted(row, now)


def forget(user: models.User) -> None:
    """Let a user try again at once."""
    models.Attempt.delete().where(models.Attempt.user == user).execute()


def _until(rows: dict[str, models.Attempt], now: datetime) -> datetime | None:
    """When all of these let an attempt pass, if that is later than now."""
    trusted = _trusted(rows.get("pair"), now)
    moments = [
        blocked_until(row.kind, row.failures, row.changed_at)
        for row in rows.values()
        if row.changed_at > now - FORGOTTEN_AFTER and not (trusted and row.kind == "name")
    ]
    return max((moment for moment in moments if moment is not None and moment > now), default=None)


def _trusted(pair: models.Attempt | None, now: datetime) -> bool:
    return pair is not None and pair.succeeded_at is not None and pair.succeeded_at > now - TRUSTED_FOR


def _keys(name: str, address: str) -> Iterator[tuple[str, str]]:
    where = network(address)
    texts = {"pair": f"{name}\n{where}", "address": where, "name": name}
    for kind in LIMITS:
        yield kind, hashlib.sha256(f"{kind}\n{texts[kind]}".encode("utf-8", "surrogatepass")).hexdigest()


def prune(now: datetime) -> None:
    """Remove what no longer counts, and if guessing has filled the table, what is oldest."""
    row = models.Attempt
    known = row.succeeded_at.is_null(False) & (row.succeeded_at > now - TRUSTED_FOR)
    row.delete().where((row.changed_at <= now - FORGOTTEN_AFTER) & ~known).execute()
    surplus = row.select().count()
    if surplus > MOST_ROWS:
        oldest = row.select(row.key).order_by(row.changed_at).limit(surplus - _PRUNED_TO)
        row.delete().where(row.key.in_(oldest)).execute()
