"""Whether anybody wrote into the database, which SQLite tells without a query."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class Changes:
    """Of one file, for one thread: keeps a connection of its own, which reads no rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._before: tuple[int, int, int] | None = None

    def seen(self) -> bool:
        """Whether anything was committed since the last question, by whichever process or thread, or another file lies
        there. True as well where that can't be told: who looks then finds out why."""
        before, self._before = self._before, self._version()
        return self._before is None or self._before != before

    def close(self) -> None:
        """Give the connection up; the next question makes another one."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._before = None, None

    def _version(self) -> tuple[int, int, int] | None:
        try:
            file = self._path.stat()
            if self._before is not None and self._before[:2] != (file.st_dev, file.st_ino):
                self.close()
            if self._connection is None:
                self._connection = sqlite3.connect(self._path.as_uri() + "?mode=rw", uri=True, isolation_level=None)
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        except (OSError, sqlite3.Error):
            self.close()
            return None
        return file.st_dev, file.st_ino, version
