"""Errors of disks and databases are told as what they are; a bug stays a bug."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from peewee import DatabaseError, SqliteDatabase

from jobs.policy.disk_trouble import disk_trouble


def raised(database: SqliteDatabase, sql: str) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        database.execute_sql(sql)
    return caught.value


def told(error: BaseException) -> tuple[str, str]:
    failure = disk_trouble(error, "panel.sqlite3")
    assert failure is not None
    return failure.code, failure.detail


def test_a_database_that_somebody_else_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE t (a)")
    other.execute("BEGIN IMMEDIATE")
    code, text = told(raised(SqliteDatabase(str(path), timeout=0), "INSERT INTO t VALUES (1)"))
    assert code == "database_busy" and "held the database for too long" in text


def test_a_database_that_can_not_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    sqlite3.connect(path).execute("CREATE TABLE t (a)")
    database = SqliteDatabase(f"file:{path}?mode=ro", uri=True)
    code, text = told(raised(database, "INSERT INTO t VALUES (1)"))
    assert code == "no_room" and "is read-only" in text


def test_a_database_that_has_no_room(tmp_path: Path) -> None:
    database = SqliteDatabase(str(tmp_path / "a.sqlite3"), pragmas={"max_page_count": 2})
    database.execute_sql("CREATE TABLE t (a)")
    code, text = told(raised(database, f"INSERT INTO t VALUES ('{'x' * 100_000}')"))
    assert code == "no_room" and "its disk is full" in text


@pytest.mark.parametrize("content", [b"no database, whatever its name says" * 40, b"SQLite format 3\0" + b"x" * 4096])
def test_a_file_that_is_no_database_any_more(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.sqlite3"
    path.write_bytes(content)
    assert told(raised(SqliteDatabase(str(path)), "SELECT * FROM sqlite_master"))[0] == "database_damaged"


@pytest.mark.parametrize("number", [28, 30, 122, 5])
def test_a_disk_that_is_full_read_only_or_broken(number: int) -> None:
    assert told(OSError(number, "words of the system", "/a/file")) == (
        "no_room", "/a/file: words of the system; make room, then run it again"
    )


def test_what_is_a_bug_stays_one(tmp_path: Path) -> None:
    syntax = raised(SqliteDatabase(str(tmp_path / "a.sqlite3")), "SELEKT 1")
    assert [disk_trouble(error, "") for error in (syntax, FileNotFoundError(2, "gone"), ValueError("x"))] == [None] * 3
    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError:
            raise KeyError("a bug while that was handled") from None
    except KeyError as error:
        assert disk_trouble(error, "") is None
