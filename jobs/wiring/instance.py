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
from jobs.wiring import schema

DATABASE = "panel.sqlite3"


@dataclass(frozen=True)
class Instance:
    place: Place
    config: Config
    database: SqliteDatabase
    root_side: bool = False
    """Whether this process is the root side of a host that has two (`jobs/rootside`), and this its own instance."""

    def close(self) -> None:
        self.database.close()


def now() -> datetime:
    """The clock of the product: aware, UTC."""
    return datetime.now(UTC)


def create(directory: Path, place: Place | None = None) -> bool:
    """Make the instance at `directory`; True when it is new. Twice changes nothing but missing directories. `place`:
    what is to be made there, if that is not everything below it.

    The directory is entered by web server and mail server on their way to challenges and certificates (0711);
    everything secret in it is closed by itself.
    """
    directory = directory.absolute()
    new = not (directory / DATABASE).exists()
    place = place or Place(directory)
    try:
        for path, mode in _directories(place):
            path.mkdir(parents=True, exist_ok=True)
            if new:
                path.chmod(mode)
        database = _touch(directory / DATABASE)
    except OSError as error:
        raise Failure("instance_not_writable", f"{directory}: making it: {error.strerror}", permanent=True) from error
    _bring_up(place, models.open_database(database))
    return new


def complete(place: Place) -> None:
    """Make directories that somebody removed. One that can't be made is told by whoever needs it."""
    for path, mode in _directories(place):
        with suppress(OSError):
            path.mkdir()
            path.chmod(mode)


def open_instance(directory: Path, config: Config | None = None) -> Instance:
    """Open what `create` made, and bring it up to this version; `config` if it is not the instance's own that counts.

    Raises Failure("instance_missing"), Failure("config_invalid"), and as `upgrade` does.
    """
    directory = directory.absolute()
    path = directory / DATABASE
    if not path.exists():
        remedy = f"autossl --instance {directory} init --admin NAME"
        raise Failure("instance_missing", f"{directory}: there is no instance here. Make one: {remedy}", permanent=True)
    if not os.access(path, os.W_OK):
        remedy = "is its file system read-only?" if os.geteuid() == 0 else "run as root"
        raise Failure("instance_not_writable", f"{path}: not writable for this user; {remedy}", permanent=True)
    config = config or load(config_path(directory))
    database = models.open_database(path)
    _bring_up(Place(directory), database)
    return Instance(Place(directory), config, database)


def config_path(directory: Path) -> Path:
    """Where the configuration of the instance at `directory` is: AUTOSSL_CONFIG says so where root keeps it."""
    told = os.environ.get("AUTOSSL_CONFIG")
    return Path(told) if told else directory / "config.toml"


def setting(key: str, default: Any) -> Any:
    """A value that the administrator chose, or `default`."""
    row = models.Setting.get_or_none(models.Setting.key == key)
    return default if row is None else json.loads(row.value)


def choose(key: str, value: Any) -> None:
    """Keep a value that the administrator chose."""
    models.Setting.insert(key=key, value=json.dumps(value)).on_conflict_replace().execute()


def _bring_up(place: Place, database: SqliteDatabase) -> None:
    try:
        names = schema.applied(database)
        if schema.missing(names) or schema.unknown(names):
            from jobs.wiring.upgrade import upgrade  # seldom needed, and it needs this module

            upgrade(place, database)
    except BaseException:
        database.close()
        raise


def _directories(place: Place) -> list[tuple[Path, int]]:
    instance = place.instance
    ours = [] if place.challenges_at else [(place.challenges, 0o755)]  # else it lies in somebody else's directory
    return [
        (instance, 0o711),
        (instance / "tls", 0o711),
        (place.live, 0o711),
        *ours,
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
