"""Copies of the database: one at any moment, consistent while everything runs on; and those that are kept, one a night
and one before each upgrade."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import models
from jobs.crash_points import edges
from jobs.policy.disk_trouble import disk_trouble
from jobs.policy.failure import Failure
from jobs.ports import Place
from jobs.store import sync_directory
from jobs.wiring.instance import DATABASE, Instance, now
from jobs.wiring.integrity import soundness

KEPT = 7
"""Nights."""

KEPT_BEFORE = 3
"""Upgrades."""

BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a database."""

_ROOM_LEFT = 64 * 1024 * 1024
"""Bytes that a copy must leave free: the disk is needed for certificates first."""

_NAME = re.compile(r"\Apanel-(\d{4})-(\d\d)-(\d\d)\.sqlite3\Z")
_BEFORE = re.compile(r"\Abefore-\d+-(?:of-[0-9A-Za-z.+]+-)?(\d{8})(T\d{6}Z)\.sqlite3\Z")


def copy_database(source: Path, target: Path) -> None:
    """Make `target` (0600, on the disk) a copy of the database as it is at one moment; writers go on meanwhile.

    Raises Failure("database_damaged"), Failure("database_busy"), Failure("no_room"), OSError; nothing is left then.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with closing(sqlite3.connect(source, timeout=models.BUSY_TIMEOUT)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        with target.open("rb") as file:
            os.fsync(file.fileno())
    except BaseException as error:
        target.unlink(missing_ok=True)
        failure = disk_trouble(error, f"copying {source}")
        if failure is None:
            raise
        raise failure from error


def keep_copy(instance: Instance) -> None:
    """The duty: once a day a copy below `backups/db`, of which the last ones stay.

    Raises Failure: a database that is damaged, or a disk without room. The former copies stay as they are then.
    """
    target = _folder(instance.place) / f"panel-{now():%Y-%m-%d}.sqlite3"
    if target.exists():
        return
    _sound_copy(instance.place, target, ".unfinished")
    for old in copies(instance.place)[KEPT:]:
        old.unlink(missing_ok=True)


def copy_before(place: Place, migration: str, program: str) -> Path:
    """The copy as it is before this migration, named after it and after the version of the program that works on it.

    Only for who holds the work lock. Raises Failure as `keep_copy` does, and OSError.
    """
    number, moment = migration.partition("_")[0], now()
    of = f"of-{program}-" if program else ""
    while (target := _folder(place) / f"before-{number}-{of}{moment:%Y%m%dT%H%M%SZ}.sqlite3").exists():
        moment += timedelta(seconds=1)
    with edges("copy database"):
        _sound_copy(place, target, ".unfinished-before")
    return target


def drop_old_before(place: Place) -> None:
    for old in copies_before(place)[KEPT_BEFORE:]:
        old.unlink(missing_ok=True)


def put_back(copy: Path, database: Path) -> None:
    """Make a database that is of no use what its copy is; nobody may have it open. Raises OSError.

    Its log goes first, for that must never meet the rows of another one. Only in the next step, at once, the database.
    """
    staged = database.with_name(f".{database.name}.put-back")
    staged.unlink(missing_ok=True)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with copy.open("rb") as source, os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(descriptor)
    with edges("put database back"):
        for end in BESIDE:
            database.with_name(database.name + end).unlink(missing_ok=True)
        staged.replace(database)
        sync_directory(database.parent)


def _sound_copy(place: Place, target: Path, beside: str) -> None:
    folder = _folder(place)
    folder.mkdir(mode=0o700, exist_ok=True)
    source, unfinished = place.instance / DATABASE, folder / beside
    free, needed = shutil.disk_usage(folder).free, source.stat().st_size + _ROOM_LEFT
    if free < needed:
        raise Failure("no_room", f"{folder}: no copy of the database was made: {free} bytes are free, of {needed}")
    unfinished.unlink(missing_ok=True)
    copy_database(source, unfinished)
    found = soundness(unfinished)
    if found.damage:
        unfinished.unlink()
        raise Failure("database_damaged", f"{source}: its copy is damaged ({found.damage}), so none is kept")
    unfinished.replace(target)
    sync_directory(folder)


def copies(place: Place) -> list[Path]:
    """The nightly copies that are kept, the newest first; those of days to come, by a clock that was wrong, last."""
    return [path for _, path in _kept(place, _NAME)]


def copies_before(place: Place) -> list[Path]:
    """The same of those that were made before an upgrade."""
    return [path for _, path in _kept(place, _BEFORE)]


def newest_copy(place: Place) -> Path | None:
    found = sorted([*_kept(place, _NAME), *_kept(place, _BEFORE)], reverse=True)
    return found[0][1] if found else None


def _kept(place: Place, names: re.Pattern[str]) -> list[tuple[tuple[bool, str], Path]]:
    """With what they are to be sorted by."""
    try:
        entries = list(_folder(place).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    stamps = [("".join(match.groups()), entry) for entry in entries if (match := names.match(entry.name))]
    today = f"{now():%Y%m%d}"
    return sorted((((stamp[:8] <= today, stamp), entry) for stamp, entry in stamps), reverse=True)


def _folder(place: Place) -> Path:
    return place.backups / "db"
