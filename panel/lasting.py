"""The connection to the database that a thread of our own server keeps from one request to the next.

To open one is half a dozen statements and reading the schema, to close the last one moves the write-ahead log into the
database; beside a run at full speed each of those steps waits for its turn, and was most of what a poll waited for.

What is kept shows what a new one would: no reading is still open when a request has ended, so the next one sees what
was written meanwhile; and one is given up when its request ended badly, or when another file lies in the place of its
own.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from weakref import WeakSet

from peewee import SqliteDatabase

CACHE = 128
"""KiB of the database that a kept connection may hold in memory: there is one for every thread of the server."""


class Lasting(sqlite3.Connection):
    """Knows its cursors, and of which file it was made. `file`: looked up before it is opened, so that one that took
    its place meanwhile is noticed."""

    def __init__(self, database: str, *arguments: Any, **settings: Any) -> None:
        self.file = _file(database)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()
        super().__init__(database, *arguments, **settings)

    def cursor(self, *arguments: Any) -> Any:
        made = super().cursor(*arguments)
        self._cursors.add(made)
        return made

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """SQLite's own would make a cursor that is not known here."""
        cursor: sqlite3.Cursor = self.cursor().execute(*arguments)
        return cursor

    def end_reading(self) -> None:
        """A statement that was not read to its end would hold the state of the rows as it found them."""
        for cursor in list(self._cursors):
            cursor.close()


def let_last(database: SqliteDatabase) -> None:
    """From now on the threads that answer requests keep theirs. For a server whose threads are few and remain."""
    database.connect_params["factory"] = Lasting


def opened(database: SqliteDatabase) -> None:
    """Have a connection for the request that begins: the kept one if it is still one of the file that is there."""
    if not database.is_closed():
        kept = database.connection()
        if isinstance(kept, Lasting) and kept.file != _file(database.database):
            database.close()
    if database.connect(reuse_if_open=True) and isinstance(database.connection(), Lasting):
        database.execute_sql(f"PRAGMA cache_size = -{CACHE}")


def ended(database: SqliteDatabase, well: bool) -> None:
    """The request is over; `well`: nothing failed, so that the connection may be kept."""
    if database.is_closed():
        return
    kept = database.connection()
    if well and isinstance(kept, Lasting) and not kept.in_transaction:
        kept.end_reading()
    else:
        database.close()


def _file(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
