"""The list of what we put into zones: a row from before a value is written until after it is taken away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import models
from jobs.durable import durable
from jobs.ports import Record

CHALLENGE, CAA = "challenge", "caa"


@dataclass(frozen=True, slots=True)
class Kept:
    """One row: the value, the backend and zone by which it was written, and for which provider (CAA only)."""

    record: Record
    backend: str
    zone: str
    provider: str | None
    put_at: datetime


def note(backend: str, zone: str, record: Record, purpose: str, provider: str | None) -> None:
    """Keep that this value is about to be written. On the disk when it returns; once for the same value, which from
    then on is where it was written last: it is written anew only when DNS does not show it where it was."""
    rows = models.DnsRecord
    with _connected(), durable():
        rows.insert(
            backend=backend, zone=zone, name=record.name, kind=record.kind, value=record.value, purpose=purpose,
            provider=provider, put_at=datetime.now(UTC),
        ).on_conflict(
            conflict_target=[rows.name, rows.kind, rows.value], update={rows.backend: backend, rows.zone: zone}
        ).execute()


def forget(record: Record) -> None:
    """The value is gone from its zone."""
    with _connected():
        models.DnsRecord.delete().where(_same(record)).execute()


def left(purpose: str) -> list[Kept]:
    """What was put and not taken away, the oldest first."""
    rows = models.DnsRecord
    with _connected():
        return [_kept(row) for row in rows.select().where(rows.purpose == purpose).order_by(rows.id)]


def entry(record: Record) -> Kept | None:
    """The row of this value; None: we did not put it there."""
    with _connected():
        row = models.DnsRecord.select().where(_same(record)).first()
        return _kept(row) if row else None


def known(record: Record) -> bool:
    """Whether we put this value there."""
    return entry(record) is not None


def _kept(row: models.DnsRecord) -> Kept:
    return Kept(Record(row.name, row.kind, row.value), row.backend, row.zone, row.provider, row.put_at)


def _same(record: Record) -> object:
    rows = models.DnsRecord
    return (rows.name == record.name) & (rows.kind == record.kind) & (rows.value == record.value)


@contextmanager
def _connected() -> Iterator[None]:
    """A connection of this thread, for which the one that it has is left open."""
    opened = models.database.is_closed()
    if opened:
        models.database.connect()
    try:
        yield
    finally:
        if opened:
            models.database.close()
