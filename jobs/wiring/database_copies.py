"""Copies of the database: one at any moment, consistent while everything runs on; and one a night that is kept."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import models
from jobs.policy.disk_trouble import disk_trouble
from jobs.policy.failure import Failure
from jobs.ports import Place
from jobs.store import sync_directory
from jobs.wiring.instance import DATABASE, Instance, now
from jobs.wiring.integrity import soundness

KEPT = 7
"""Nights."""

_ROOM_LEFT = 64 * 1024 * 1024
"""Bytes that a copy must leave free: the disk is needed for certificates first."""

_NAME = re.compile(r"\Apanel-\d{4}-\d\d-\d\d\.sqlite3\Z")


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
    folder = _folder(instance.place)
    target = folder / f"panel-{now():%Y-%m-%d}.sqlite3"
    if target.exists():
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    source, unfinished = instance.place.instance / DATABASE, folder / ".unfinished"
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
    for old in copies(instance.place)[KEPT:]:
        old.unlink(missing_ok=True)


def copies(place: Place) -> list[Path]:
    """The copies that are kept, the newest first; those of days to come, by a clock that was wrong, behind them."""
    try:
        found = [entry for entry in _folder(place).iterdir() if _NAME.match(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    today = f"panel-{now():%Y-%m-%d}.sqlite3"
    return sorted(found, key=lambda entry: (entry.name <= today, entry.name), reverse=True)


def newest_copy(place: Place) -> Path | None:
    return next(iter(copies(place)), None)


def _folder(place: Place) -> Path:
    return place.backups / "db"
