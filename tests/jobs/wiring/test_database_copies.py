"""The database is looked through before anybody works on it, and copied every night; a damaged one spoils no copy."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

import models
from jobs.policy.failure import Failure
from jobs.wiring import database_copies, integrity
from jobs.wiring.damage import refuse_damaged
from jobs.wiring.database_copies import KEPT, copies, copy_database, keep_copy, newest_copy
from jobs.wiring.instance import DATABASE, Instance, now
from jobs.wiring.integrity import Soundness, soundness


def filled(instance: Instance) -> Path:
    """So many rows that each table has pages of its own; closed, and all in one file."""
    moment = now()
    for number in range(300):
        models.AuditEntry.create(at=moment, who=f"user {number}" * 20, role="admin", action="x", origin="x", result="x")
    instance.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    instance.close()
    return instance.place.instance / DATABASE


def damage(path: Path) -> None:
    """One page of a table is overwritten, as a dying disk does."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'audit_entry'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_a_sound_database_is_told_as_sound(instance: Instance) -> None:
    found = soundness(filled(instance))
    assert (found.damage, found.whole) == ("", True)


def test_damage_is_found_and_the_newest_copy_named(instance: Instance) -> None:
    keep_copy(instance)
    (copy,) = copies(instance.place)
    damage(filled(instance))
    with pytest.raises(Failure) as caught:
        refuse_damaged(instance.place.instance)
    assert caught.value.code == "database_damaged"
    assert f"restore --force {copy}" in caught.value.detail and "Nothing was done on it" in caught.value.detail


def test_a_reference_that_leads_nowhere_is_damage(instance: Instance) -> None:
    path = filled(instance)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO run_account (account, run_id) VALUES ('alice', 99)")
        connection.commit()
    assert "run_account refers to a row of run that is not there" in soundness(path).damage


def test_an_index_that_lacks_a_row_is_damage(instance: Instance) -> None:
    path = filled(instance)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = on")
        columns = "name, rootpage, sql"
        row = connection.execute(f"SELECT {columns} FROM sqlite_master WHERE name = 'audit_entry_at'").fetchone()
        connection.execute("DELETE FROM sqlite_master WHERE name = 'audit_entry_at'")
        connection.execute("PRAGMA writable_schema = reset")
        connection.execute("DELETE FROM audit_entry WHERE id < 10")
        connection.execute("PRAGMA writable_schema = on")
        connection.execute("INSERT INTO sqlite_master VALUES ('index', ?, 'audit_entry', ?, ?)", row)
    assert "audit_entry_at" in soundness(path).damage


def test_a_file_beyond_all_measure_is_only_opened(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(instance)
    monkeypatch.setattr(integrity, "LARGEST", 1000)
    assert soundness(path) == Soundness("", False)
    path.write_bytes(b"no database" * 1000)
    assert soundness(path).damage == "file is not a database"


def test_a_look_that_takes_too_long_ends_and_says_that_it_was_not_whole(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled(instance)
    monkeypatch.setattr(integrity, "_STEPS", 1)
    assert soundness(path, seconds=0) == Soundness("", False)


def test_a_copy_is_consistent_closed_and_made_while_somebody_writes(instance: Instance, tmp_path: Path) -> None:
    models.Setting.create(key="a", value="1")
    with models.database.atomic():
        models.Setting.create(key="b", value="not yet committed")
        copy_database(instance.place.instance / DATABASE, tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(tmp_path / "copy")) as connection:
        assert connection.execute("SELECT key FROM setting WHERE key IN ('a', 'b')").fetchall() == [("a",)]


def test_one_copy_a_day_and_the_last_ones_stay(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = now()
    for number in range(KEPT + 2):
        monkeypatch.setattr(database_copies, "now", lambda number=number: moment + timedelta(days=number))
        keep_copy(instance)
        keep_copy(instance)
    found = copies(instance.place)
    assert len(found) == KEPT and found[0].name == f"panel-{moment + timedelta(days=KEPT + 1):%Y-%m-%d}.sqlite3"
    assert len(list((instance.place.backups / "db").iterdir())) == KEPT


def test_copies_of_days_to_come_by_a_wrong_clock_take_no_real_copys_place(instance: Instance) -> None:
    folder = instance.place.backups / "db"
    folder.mkdir(mode=0o700)
    for day in range(1, KEPT + 1):
        (folder / f"panel-2999-01-0{day}.sqlite3").write_bytes(b"")
    keep_copy(instance)
    real = f"panel-{now():%Y-%m-%d}.sqlite3"
    assert copies(instance.place)[0].name == real and len(copies(instance.place)) == KEPT
    assert newest_copy(instance.place) == folder / real


def test_a_damaged_database_takes_no_sound_copys_place(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_copy(instance)
    before = copies(instance.place)
    damage(filled(instance))
    monkeypatch.setattr(database_copies, "now", lambda: now() + timedelta(days=1))
    with pytest.raises(Failure) as caught:
        keep_copy(instance)
    assert caught.value.code == "database_damaged"
    assert copies(instance.place) == before == list((instance.place.backups / "db").iterdir())


def test_a_disk_with_little_room_is_left_to_certificates(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_copies, "_ROOM_LEFT", 1 << 60)
    with pytest.raises(Failure, match="bytes are free"):
        keep_copy(instance)
    assert copies(instance.place) == []
