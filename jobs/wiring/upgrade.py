"""An installation of an older version is brought up to this one, whole or not at all; one of a newer one is refused.

While nobody else works on it, its database is copied, changed in one transaction, looked through and only then
committed. Whatever fails, or dies, in between leaves it as it was; should SQLite itself not manage that, the copy is
put back. The copy of an upgrade that went well is kept: it is the way back to the former version.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

from peewee import SqliteDatabase

from jobs import privileged, queue
from jobs.policy.disk_trouble import disk_trouble
from jobs.policy.failure import Failure
from jobs.policy.panel_files import STATE
from jobs.ports import Place
from jobs.wiring import schema
from jobs.wiring.damage import damaged
from jobs.wiring.database_copies import copies_before, copy_before, drop_old_before, put_back
from jobs.wiring.instance import DATABASE
from jobs.wiring.integrity import soundness
from jobs.wiring.setup import LOCK

PATIENCE = 30.0
"""Seconds that another process is waited for: one that does the same is done by then, a check of the former version may
go on for hours."""

_log = logging.getLogger("autossl.upgrade")


def upgrade(place: Place, real: SqliteDatabase) -> None:
    """Bring the open database up to this version.

    Raises Failure("instance_newer"), Failure("upgrade_held"), Failure("instance_busy"), Failure("upgrade_failed"),
    Failure("no_room"), Failure("database_damaged"), Failure("database_busy"): nothing is changed then.
    """
    former = schema.applied(real)
    _refuse_newer(place, former)
    if not former:
        schema.migrate(real)
        return
    end = monotonic() + PATIENCE
    with _alone(place, lambda: None, lambda: monotonic() > end):
        former = schema.applied(real)
        _refuse_newer(place, former)
        pending = schema.missing(former)
        if pending:  # else another process has just done it
            _bring_up(place, real, pending[0])


def await_work(directory: Path, on_wait: Callable[[], None]) -> None:
    """For a server, which has the time: where an upgrade is to be made, wait for the end of a check, or setup, of the
    former version, however long that takes; `on_wait` is called once. Raises Failure("upgrade_held")."""
    try:
        names = schema.migrations_of(directory / DATABASE)
    except sqlite3.DatabaseError:
        return  # there is none, or it can't be read: told by who opens it
    if schema.missing(names):
        with _alone(Place(directory.absolute()), on_wait, lambda: False):
            return


class _Before:
    """The database as it was before an upgrade: its copy, and whether it still is that."""

    def __init__(self, path: Path) -> None:
        self.copy: Path | None = None
        self._path = path
        self._watch = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=PATIENCE)
        self._commits = 0

    def keep(self, place: Place, migration: str, program: str) -> None:
        """Within the transaction of the upgrade: from here on nobody else can change it."""
        self._commits = self._committed()
        self.copy = copy_before(place, migration, program)

    def wrong(self) -> str | None:
        """What is not as it was, as the file says and not what this process remembers of it; None: it can't be looked
        at, and SQLite must be believed."""
        try:
            found = soundness(self._path)
            return found.damage or ("" if self._committed() == self._commits else "a part of it was written")
        except (sqlite3.DatabaseError, Failure) as error:
            _log.warning("%s: it can't be looked at after the upgrade that failed: %s", self._path, error)
            return None

    def close(self) -> None:
        self._watch.close()

    def _committed(self) -> int:
        """A number that every commit by another connection than this one changes."""
        (number,) = self._watch.execute("PRAGMA data_version").fetchone()
        return int(number)


def _bring_up(place: Place, real: SqliteDatabase, first: str) -> None:
    path = place.instance / DATABASE
    of = schema.program_of(path)
    with closing(_Before(path)) as before:
        try:
            real.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            done = schema.migrate(real, lambda: before.keep(place, first, of))
        except Exception as error:
            raise _taken_back(place, real, before, error) from error
    words = f"{place.instance}: brought up from version {of or 'before'} to {schema.program()} ({', '.join(done)})"
    _log.warning("%s; the database as it was before is %s", words, before.copy)
    try:
        drop_old_before(place)
    except OSError as error:
        _log.warning("%s: removing copies of earlier upgrades: %s", error.filename, error.strerror)


def _taken_back(place: Place, real: SqliteDatabase, before: _Before, error: Exception) -> Failure:
    """See that the database is as it was, else put it back; what is told of it."""
    path = place.instance / DATABASE
    cause = error if isinstance(error, Failure) else disk_trouble(error, str(path))
    cause = cause or Failure("upgrade_failed", f"{type(error).__name__}: {error}", permanent=True)
    if cause.code == "database_damaged" and before.copy is None:
        return Failure(cause.code, damaged(place.instance, cause.detail), permanent=True)
    words = f"{place.instance}: its database could not be brought up to version {schema.program()}: {cause.detail}"
    done = "Everything is as it was before"
    wrong = before.wrong() if before.copy else ""
    before.close()
    real.close()
    if before.copy and wrong:
        try:
            put_back(before.copy, path)
        except OSError as trouble:
            words = f"{words}. It is damaged now ({wrong}), and putting it back failed: {trouble}"
            remedy = f"autossl --instance {place.instance} restore --force {before.copy}"
            return Failure("database_damaged", f"{words}; do it by {remedy}", permanent=True)
        done = f"It was left damaged ({wrong}), so it was put back as it was before, from {before.copy}"
    elif before.copy and wrong == "":
        before.copy.unlink(missing_ok=True)
    return Failure(cause.code, f"{words}. {done}: the former version works on it", permanent=cause.permanent)


@contextmanager
def _alone(place: Place, on_wait: Callable[[], None], give_up: Callable[[], bool]) -> Iterator[None]:
    """Neither a server nor a check nor another upgrade works on the installation, for the length of the block."""
    _refuse_server(place)
    with queue.instance_lock(place.instance / LOCK, on_wait, give_up) as ours:
        if not ours:
            words = "a check or a setup of the former version is running, and the database has to be brought up to this"
            raise Failure("instance_busy", f"{place.instance}: {words} one; wait for its end, then run it again")
        _refuse_server(place)
        yield


def _refuse_server(place: Place) -> None:
    if privileged.lock_taken(place.instance / STATE):
        words = f"its database has to be brought up to this version ({schema.program()}), and a server is running on it"
        remedy = "stop it (systemctl stop autossl) and start it anew: it does that itself"
        raise Failure("upgrade_held", f"{place.instance}: {words}; {remedy}", permanent=True)


def _refuse_newer(place: Place, names: list[str]) -> None:
    newer = schema.unknown(names)
    if not newer:
        return
    path = place.instance / DATABASE
    words = f"{place.instance}: its database was {schema.by_newer(path, newer)}. Nothing was done on it"
    copy = next((one for one in copies_before(place) if _fits(one)), None)
    back = f", or go back to what it was before: autossl --instance {place.instance} restore --force {copy}"
    remedy = f"install that version or a later one{back if copy else ''}"
    raise Failure("instance_newer", f"{words}; {remedy}", permanent=True)


def _fits(copy: Path) -> bool:
    """Whether this version can work on that copy."""
    try:
        return not schema.unknown(schema.migrations_of(copy))
    except sqlite3.DatabaseError:
        return False
