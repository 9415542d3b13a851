"""Whether anybody wrote into the database: told by SQLite, for whoever would else ask for rows every second."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jobs.wiring.changes import Changes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return made(tmp_path / "some rows?.sqlite3")


@pytest.fixture
def changes(path: Path) -> Iterator[Changes]:
    found = Changes(path)
    found.seen()
    yield found
    found.close()


def made(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode = wal; CREATE TABLE row (id INTEGER)")
    return path


def write(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO row VALUES (1)")


def test_where_nobody_writes_nothing_is_seen_however_much_is_read(path: Path, changes: Changes) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM row").fetchall()
    assert not changes.seen() and not changes.seen()


def test_what_another_thread_commits_is_seen_once(path: Path, changes: Changes) -> None:
    thread = threading.Thread(target=write, args=(path,))
    thread.start()
    thread.join()
    assert changes.seen() and not changes.seen()


def test_what_is_not_committed_yet_is_seen_when_it_is(path: Path, changes: Changes) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO row VALUES (1)")
        assert not changes.seen()
        connection.execute("COMMIT")
        assert changes.seen()


def test_another_file_in_its_place_is_a_change(path: Path, changes: Changes, tmp_path: Path) -> None:
    made(tmp_path / "restored.sqlite3").replace(path)
    assert changes.seen() and not changes.seen()
    write(path)
    assert changes.seen()


def test_a_file_that_is_gone_is_seen_until_it_is_back(path: Path, changes: Changes) -> None:
    path.unlink()
    assert changes.seen() and changes.seen()
    made(path)
    assert changes.seen() and not changes.seen()


def test_it_does_not_keep_the_log_of_writes_from_being_put_away(path: Path, changes: Changes) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO row VALUES (1)")
        assert changes.seen()
        assert connection.execute("PRAGMA wal_checkpoint(truncate)").fetchone()[0] == 0
