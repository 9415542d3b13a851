"""Whether the database is whole: asked before a server begins to work on it, by the doctor, and of every copy."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from jobs.policy.disk_trouble import disk_trouble

PATIENCE = 20.0
"""Seconds that a check may take; a large database on a slow disk is then taken for sound as far as it was read."""

LARGEST = 2 * 1024**3
"""Bytes of a file that is looked through: SQLite before 3.41 can't be stopped within the look at one table. A host with
tens of thousands of accounts has a tenth of that."""

_TOLD = 3
_STEPS = 20_000
"""Of SQLite's virtual machine between two looks at the clock: some milliseconds."""


@dataclass(frozen=True)
class Soundness:
    """`damage`: what is wrong, in SQLite's own words; empty when nothing was found. `whole`: all was looked at."""

    damage: str
    whole: bool


def soundness(path: Path, seconds: float = PATIENCE) -> Soundness:
    """Look through the database file: the structure of tables and indexes, and whether every reference leads somewhere.

    The quickest look comes first, so that the time is spent on what matters most. Raises Failure("database_busy"),
    Failure("no_room") where the file can't be looked at at all.
    """
    end = time.monotonic() + seconds
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=seconds)) as connection:
            return _looked(connection, path, end)
    except sqlite3.DatabaseError as error:
        return _broken(error, path)


def examine(connection: sqlite3.Connection, path: Path, seconds: float) -> Soundness:
    """The same by a connection to `path` that stays open, with what it has not committed yet."""
    try:
        return _looked(connection, path, time.monotonic() + seconds)
    except sqlite3.DatabaseError as error:
        return _broken(error, path)
    finally:
        connection.set_progress_handler(None, 0)


def _looked(connection: sqlite3.Connection, path: Path, end: float) -> Soundness:
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    whole = path.stat().st_size <= LARGEST
    for look in (_structure, _references, _indexes) if whole else (_schema,):
        found = look(connection)
        if found:
            return Soundness("; ".join(found), True)
    return Soundness("", whole)


def _broken(error: sqlite3.DatabaseError, path: Path) -> Soundness:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
        return Soundness("", False)
    failure = disk_trouble(error, str(path))
    if failure is None or failure.code != "database_damaged":
        raise failure or error from error
    return Soundness(str(error), True)


def _schema(connection: sqlite3.Connection) -> list[str]:
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return []


def _structure(connection: sqlite3.Connection) -> list[str]:
    return _said(connection, f"PRAGMA quick_check({_TOLD})")


def _indexes(connection: sqlite3.Connection) -> list[str]:
    return _said(connection, f"PRAGMA integrity_check({_TOLD})")


def _said(connection: sqlite3.Connection, pragma: str) -> list[str]:
    return [" ".join(str(text).split()) for (text,) in connection.execute(pragma).fetchmany(_TOLD) if text != "ok"]


def _references(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("PRAGMA foreign_key_check").fetchmany(_TOLD)
    return [f"row {row} of {table} refers to a row of {parent} that is not there" for table, row, parent, _ in rows]
