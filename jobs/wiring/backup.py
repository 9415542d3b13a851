"""`autossl backup`: the whole instance in one file, consistent also while a server and a check are at work.

The database is copied at one moment, then the files are read and hashed, then written; whatever changed in between is
found by its hash, or by the database's own rows, and the backup is begun anew.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sqlite3
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from peewee import DatabaseError

from jobs import privileged
from jobs.policy import backup_manifest
from jobs.policy.backup_manifest import FILES, Entry, Manifest
from jobs.policy.failure import Failure
from jobs.report import stamp
from jobs.store import sync_directory
from jobs.wiring import backup_files
from jobs.wiring.backup_files import ChangedMeanwhile
from jobs.wiring.database_copies import copy_database
from jobs.wiring.disk_words import disk_words
from jobs.wiring.instance import DATABASE, Instance, choose, now
from jobs.wiring.schema import migrations_of, program
from jobs.wiring.work_lock import while_free

MADE_SETTING = "backup_made"
"""When the last one was made."""

TRIES = 5
_LEVEL = 6

_OUTLINE = (
    "SELECT max(id) FROM certificate",
    "SELECT id, order_url FROM queue_entry WHERE kind = 'order' AND state IN ('queued', 'running', 'waiting')",
)
"""What must not have moved on between the copy of the database and the last look at the files: certificates have files,
and so have the keys of orders."""


def backup(instance: Instance, target: Path, keys: bool, logs: bool) -> dict[str, Any]:
    """Write the backup (0600, whole or not at all). Without `keys` no private key is in it, and no certificate.

    Raises Failure("backup_failed"), Failure("backup_unsettled"), Failure("no_room"), Failure("database_damaged").
    """
    target = _checked(instance, target)
    with disk_words(f"writing {target}"), _private_folder(target) as folder:
        unfinished = folder / "backup"
        for _ in range(TRIES):
            try:
                with while_free(instance):
                    manifest, left_out = _written(instance, folder, unfinished, keys, logs)
            except ChangedMeanwhile:
                continue
            unfinished.replace(target)
            sync_directory(target.parent)
            with suppress(DatabaseError):  # the backup is made all the same
                choose(MADE_SETTING, now().isoformat())
            return _told(target, manifest, left_out)
    words = f"{instance.place.instance}: its files were changed in each of {TRIES} looks; nothing was written"
    raise Failure("backup_unsettled", words)


def machine() -> str:
    """Tells this host from others, and tells others nothing of it (machine-id(5) asks for that)."""
    try:
        identity = (privileged.read(Path("/etc/machine-id")) or b"").strip()
    except Failure:
        identity = b""
    return hashlib.sha256(b"autossl-panel backup\n" + identity).hexdigest()[:32]


def _checked(instance: Instance, target: Path) -> Path:
    target = target.absolute()
    parent = target.parent.resolve()
    if not parent.is_dir():
        raise Failure("backup_failed", f"{parent}: expected a directory", permanent=True)
    theirs = next((one for one in (parent, *parent.parents) if _anybodys(one)), None)
    if theirs is not None:
        words = f"{target}: others may change {theirs}, and with it what is written there: expected a place of root's"
        raise Failure("backup_failed", f"{words}, /root for one", permanent=True)
    if parent.is_relative_to(instance.place.instance.resolve()):
        words = f"{target}: expected a place outside of {instance.place.instance}, or both are lost together"
        raise Failure("backup_failed", words, permanent=True)
    target = parent / target.name
    if os.path.lexists(target) and not stat.S_ISREG(target.lstat().st_mode):
        raise Failure("backup_failed", f"{target}: expected a file, or nothing, to stand there", permanent=True)
    return target


def _anybodys(directory: Path) -> bool:
    """Whether somebody else may put another directory in the place of one of ours in this one."""
    facts = directory.stat()
    shared = facts.st_mode & (0o022 if facts.st_gid else 0o002) and not facts.st_mode & stat.S_ISVTX
    return facts.st_uid not in (0, os.geteuid()) or bool(shared)


@contextmanager
def _private_folder(target: Path) -> Iterator[Path]:
    """Beside the target, so that the finished file only has to be renamed."""
    try:
        folder = tempfile.TemporaryDirectory(prefix=".autossl-backup-", dir=target.parent)
    except PermissionError as error:
        raise Failure("backup_failed", f"{target.parent}: writing: {error.strerror}", permanent=True) from error
    with folder as name:
        yield Path(name)


def _written(
    instance: Instance, folder: Path, unfinished: Path, keys: bool, logs: bool
) -> tuple[Manifest, list[str]]:
    database = folder / DATABASE
    database.unlink(missing_ok=True)
    copy_database(instance.place.instance / DATABASE, database)
    before = _outline(database)
    found = backup_files.look(instance.place, database, keys, logs)
    manifest = Manifest(
        program=program(), made_at=str(stamp(now())), machine=machine(),
        instance=str(instance.place.instance), migrations=migrations_of(database), keys=keys, logs=logs,
        entries=tuple(found.entries),
    )
    with unfinished.open("wb") as raw:
        os.fchmod(raw.fileno(), 0o600)
        with gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
            _pack(packed, manifest, instance.place.instance, database)
        raw.flush()
        os.fsync(raw.fileno())
    if _outline(instance.place.instance / DATABASE) != before:
        raise ChangedMeanwhile(DATABASE)
    return manifest, found.left_out


def _outline(path: Path) -> list[Any]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=15)) as connection:
        return [sorted(connection.execute(query).fetchall(), key=str) for query in _OUTLINE]


def _pack(packed: Any, manifest: Manifest, instance: Path, database: Path) -> None:
    text = backup_manifest.as_text(manifest).encode()
    with tarfile.open(fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        first = tarfile.TarInfo(backup_manifest.NAME)
        first.size, first.mode = len(text), 0o600
        tar.addfile(first, io.BytesIO(text))
        for entry in manifest.entries:
            facts = tarfile.TarInfo(entry.path)
            facts.mode = entry.mode
            if entry.kind == "directory":
                facts.type = tarfile.DIRTYPE
                tar.addfile(facts)
            elif entry.kind == "link":
                facts.type, facts.linkname, facts.mode = tarfile.SYMTYPE, entry.target, 0o777
                tar.addfile(facts)
            else:
                facts.size = entry.size
                with backup_files.opened(database if entry.path == FILES[0] else instance / entry.path) as file:
                    tar.addfile(facts, _Watched(file, entry))  # type: ignore[arg-type]


class _Watched:
    """A file that is read once more, and must be what it was when it was hashed."""

    def __init__(self, file: BinaryIO, entry: Entry) -> None:
        self._file, self._entry = file, entry
        self._sha256, self._left = hashlib.sha256(), entry.size

    def read(self, size: int) -> bytes:
        block = self._file.read(min(size, self._left))
        self._sha256.update(block)
        self._left -= len(block)
        if not block or (not self._left and self._sha256.hexdigest() != self._entry.sha256):
            raise ChangedMeanwhile(self._entry.path)
        return block


def _told(target: Path, manifest: Manifest, left_out: list[str]) -> dict[str, Any]:
    return {
        "file": str(target),
        "bytes": target.stat().st_size,
        "made_at": manifest.made_at,
        "files": sum(entry.kind == "file" for entry in manifest.entries),
        "keys": manifest.keys,
        "logs": manifest.logs,
        "left_out": left_out,
    }
