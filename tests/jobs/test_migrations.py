"""The migrations lead to exactly the tables that the program works with."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from peewee import IntegrityError, SqliteDatabase

import models
from jobs.wiring import schema
from jobs.wiring.instance import now

QUEUE_INDEX = "queue_entry_active_key"
"""Made by the migration only: Peewee's table definitions can't say its condition."""


def shape(path: Path) -> dict[str, object]:
    """Tables with their columns, foreign keys and indexes, as SQLite sees them."""
    connection = sqlite3.connect(path)
    names = [
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_") and "migration" not in name
    ]
    found: dict[str, object] = {}
    for name in names:
        indexes = {}
        for _, index, unique, _, partial in connection.execute(f'PRAGMA index_list("{name}")'):
            columns = tuple(row[2] for row in connection.execute(f'PRAGMA index_info("{index}")'))
            indexes[index] = (unique, partial, columns)
        found[name] = {
            "columns": sorted(row[1:] for row in connection.execute(f'PRAGMA table_info("{name}")')),
            "foreign keys": sorted(row[2:] for row in connection.execute(f'PRAGMA foreign_key_list("{name}")')),
            "indexes": indexes,
        }
    connection.close()
    return found


@pytest.fixture
def migrated(tmp_path: Path):
    database = models.open_database(tmp_path / "migrated.sqlite3")
    schema.migrate(database)
    yield database, tmp_path / "migrated.sqlite3"
    database.close()


def test_the_migrated_schema_is_that_of_the_models(migrated, tmp_path: Path) -> None:
    database, path = migrated
    database.close()
    plain = SqliteDatabase(str(tmp_path / "plain.sqlite3"))
    with plain.bind_ctx(models.TABLES):
        plain.create_tables(models.TABLES)
    plain.close()
    after = shape(path)
    queue = after["queue_entry"]["indexes"]  # type: ignore[index]
    assert queue.pop(QUEUE_INDEX) == (1, 1, ("key",))
    assert after == shape(tmp_path / "plain.sqlite3")


def test_migrating_twice_applies_nothing_more(migrated) -> None:
    database, _ = migrated
    assert schema.migrate(database) == []


def test_active_work_is_unique_and_finished_work_is_not(migrated) -> None:
    def entry(state: str) -> models.QueueEntry:
        return models.QueueEntry.create(kind="check", key="check:*", state=state, requested_at=now(), run_after=now())

    entry("done")
    entry("done")
    entry("queued")
    with pytest.raises(IntegrityError):
        entry("running")


def test_the_database_is_in_wal_with_foreign_keys_on(migrated) -> None:
    database, _ = migrated
    assert database.execute_sql("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute_sql("PRAGMA foreign_keys").fetchone() == (1,)


def test_times_are_kept_in_utc_and_naive_ones_refused(migrated) -> None:
    from datetime import datetime, timedelta, timezone

    east = datetime(2026, 1, 1, 3, 0, tzinfo=timezone(timedelta(hours=3)))
    models.Account.create(name="alice", source="apache", found_at=east)
    assert models.Account.get().found_at == east
    (text,) = models.database.execute_sql("SELECT found_at FROM account").fetchone()
    assert text == "2026-01-01T00:00:00.000000+00:00"
    with pytest.raises(ValueError, match="aware"):
        models.Account.create(name="bob", source="apache", found_at=datetime(2026, 1, 1))
