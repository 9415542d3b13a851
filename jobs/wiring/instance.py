"""One installation opened: its directory, its configuration and its database."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from peewee import SqliteDatabase

import models
from jobs.config import Config, load
from jobs.policy.failure import Failure
from jobs.ports import Place

DATABASE = "panel.sqlite3"


@dataclass(frozen=True)
class Instance:
    place: Place
    config: Config
    database: SqliteDatabase

    def close(self) -> None:
        self.database.close()


def now() -> datetime:
    """The clock of the product: aware, UTC."""
    return datetime.now(UTC)


def create(directory: Path) -> bool:
    """Make the instance at `directory`; True when it is new. Twice changes nothing but missing directories.

    The directory is entered by web server and mail server on their way to challenges and certificates (0711);
    everything secret in it is closed by itself.
    """
    directory = directory.absolute()
    new = not (directory / DATABASE).exists()
    place = Place(directory)
    try:
        for path, mode in _directories(place):
            path.mkdir(parents=True, exist_ok=True)
            if new:
                path.chmod(mode)
        database = _touch(directory / DATABASE)
    except OSError as error:
        raise Failure("instance_not_writable", f"{directory}: making it: {error.strerror}", permanent=True) from error
    models.migrate(models.open_database(database))
    return new


def complete(place: Place) -> None:
    """Make directories that somebody removed. One that can't be made is told by whoever needs it."""
    for path, mode in _directories(place):
        with suppress(OSError):
            path.mkdir()
            path.chmod(mode)


def open_instance(directory: Path) -> Instance:
    """Open what `create` made. Raises Failure("instance_missing"), Failure("config_invalid")."""
    directory = directory.absolute()
    path = directory / DATABASE
    if not path.exists():
        remedy = f"autossl --instance {directory} init --admin NAME"
        raise Failure("instance_missing", f"{directory}: there is no instance here. Make one: {remedy}", permanent=True)
    if not os.access(path, os.W_OK):
        remedy = "is its file system read-only?" if os.geteuid() == 0 else "run as root"
        raise Failure("instance_not_writable", f"{path}: not writable for this user; {remedy}", permanent=True)
    config = load(directory / "config.toml")
    database = models.open_database(path)
    models.migrate(database)
    return Instance(Place(directory), config, database)


def setting(key: str, default: Any) -> Any:
    """A value that the administrator chose, or `default`."""
    row = models.Setting.get_or_none(models.Setting.key == key)
    return default if row is None else json.loads(row.value)


def choose(key: str, value: Any) -> None:
    """Keep a value that the administrator chose."""
    models.Setting.insert(key=key, value=json.dumps(value)).on_conflict_replace().execute()


def _directories(place: Place) -> list[tuple[Path, int]]:
    instance = place.instance
    return [
        (instance, 0o711),
        (instance / "tls", 0o711),
        (place.live, 0o711),
        (place.challenges, 0o755),
        (place.conf, 0o755),
        (place.keys, 0o700),
        (place.keys / "orders", 0o700),
        (place.logs, 0o700),
        (place.backups, 0o700),
        (instance / "sites.d", 0o700),
    ]


def _touch(path: Path) -> Path:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return path
