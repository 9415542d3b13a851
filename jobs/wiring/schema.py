"""The schema of a database: the migrations that it has, and applying those that it lacks, all of them or none."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

import peewee
from peewee import SqliteDatabase
from playhouse.migrations import Runner

import models
from jobs.crash_points import reached
from jobs.policy.disk_trouble import disk_trouble
from jobs.policy.failure import Failure
from jobs.wiring.integrity import PATIENCE, examine

_SETTING = "migrated_by"
_VERSION = re.compile(r"\A[0-9][0-9A-Za-z.+]{0,39}\Z")


def program() -> str:
    """The version of this program."""
    return version("autossl-panel")


def applied(real: SqliteDatabase) -> list[str]:
    """The migrations that the database has, in order; none where it is new. One query."""
    try:
        return [str(name) for (name,) in real.execute_sql("SELECT name FROM schema_migration ORDER BY name")]
    except peewee.OperationalError:
        if real.table_exists("schema_migration"):
            raise
        return []


def migrations_of(path: Path) -> tuple[str, ...]:
    """The same of a file that is not the open database. Raises sqlite3.DatabaseError where it is none of ours."""
    with _reading(path) as connection:
        return tuple(name for (name,) in connection.execute("SELECT name FROM schema_migration ORDER BY name"))


def program_of(path: Path) -> str:
    """The version of the program that migrated the database last; empty where it does not say."""
    try:
        with _reading(path) as connection:
            row = connection.execute("SELECT value FROM setting WHERE key = ?", (_SETTING,)).fetchone()
            text = json.loads(row[0]) if row else ""
    except (sqlite3.OperationalError, TypeError, ValueError):  # a later version may keep its settings otherwise
        return ""
    return text if isinstance(text, str) and _VERSION.match(text) else ""


def unknown(names: Iterable[str]) -> list[str]:
    """Those of these migrations that only a newer program has."""
    return sorted(set(names) - _known())


def by_newer(path: Path, newer: Sequence[str]) -> str:
    """What is said of a database with these unknown migrations: who wrote it."""
    other = program_of(path)
    by = f"AutoSSL Panel {other}" if other not in ("", program()) else "a newer version"
    return f"written by {by}, with {newer[-1]}, which this version does not know (it is {program()})"


def missing(names: Iterable[str]) -> list[str]:
    """The migrations of this program that are not among these."""
    return sorted(_known() - set(names))


def migrate(real: SqliteDatabase, first: Callable[[], None] = lambda: None) -> list[str]:
    """Bring the schema up to this version; returns the migrations that were applied.

    It is one transaction, which no migration can end. `first` is called in it when nobody else can write any more and
    nothing is changed. Foreign keys are off, for a table that is made anew would take along what refers to it
    (https://www.sqlite.org/lang_altertable.html); whether they hold, and all else is sound, is looked at in the end.
    Raises Failure("upgrade_failed"), Failure("no_room"), what `first` raises: SQLite has taken everything back then.
    """
    runner = models.runner(real)
    real.pragma("foreign_keys", 0)
    try:
        with real.atomic(), _ended_once(real.connection()):
            pending = missing(applied(real))
            if pending:
                first()
                _apply(real, runner, pending)
                _sign()
                _prove(real)
                reached("before commit migrations")
    finally:
        real.pragma("foreign_keys", 1)
    if pending:
        reached("after commit migrations")
    return pending


def _apply(real: SqliteDatabase, runner: Runner, names: list[str]) -> None:
    connection: sqlite3.Connection = real.connection()
    connection.set_authorizer(_within_transaction)
    try:
        for name in names:
            try:
                runner.up(name)
            except Exception as error:
                raise _of_the_disk(error, name) or _failed(f"{name}: {type(error).__name__}: {error}") from error
    finally:
        connection.set_authorizer(None)


@contextmanager
def _ended_once(connection: sqlite3.Connection) -> Iterator[None]:
    """After some errors, that of a full disk for one, SQLite has taken the transaction back by itself; Peewee would
    fail to do it once more, and hide the reason (https://www.sqlite.org/lang_transaction.html)."""
    try:
        yield
    except BaseException:
        if not connection.in_transaction:
            connection.execute("BEGIN")
        raise


def _of_the_disk(error: BaseException, where: str) -> Failure | None:
    """What became of the disk or the database first, among what was raised because of it."""
    one: BaseException | None = error
    while one is not None:
        if failure := disk_trouble(one, where):
            return failure
        one = one.__cause__ or one.__context__
    return None


def _within_transaction(action: int, operation: str | None, *_: str | None) -> int:
    """SQLite asks this of every statement of a migration."""
    ends = action == sqlite3.SQLITE_TRANSACTION and operation != "BEGIN"
    return sqlite3.SQLITE_DENY if ends else sqlite3.SQLITE_OK


def _sign() -> None:
    """Keep who did it, so that an older program can tell which one its user needs."""
    models.Setting.insert(key=_SETTING, value=json.dumps(program())).on_conflict_replace().execute()


def _prove(real: SqliteDatabase) -> None:
    found = examine(real.connection(), Path(real.database), PATIENCE)
    if found.damage:
        raise _failed(f"after the migrations: {found.damage}")


def _failed(words: str) -> Failure:
    return Failure("upgrade_failed", " ".join(words.split()), permanent=True)


def _known() -> set[str]:
    return {entry.stem for entry in models.MIGRATIONS.glob("[0-9]*.py")}


def _reading(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=models.BUSY_TIMEOUT))
