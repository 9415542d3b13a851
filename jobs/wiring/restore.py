"""`autossl restore`: an instance, or its database alone, becomes what a backup says.

The backup is unpacked beside the instance, verified, brought up to this version and mended before anything is touched.
Then the two directories change places in one step; the former one stays, under another name. A database alone takes two
steps, for the log that SQLite keeps beside the former one goes first: a machine that dies in between has the former one
under that other name, and none in its place until `restore` is called again.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import models
from jobs import queue, records
from jobs.config import load
from jobs.policy.backup_manifest import Manifest
from jobs.policy.failure import Failure
from jobs.policy.panel_files import STATE
from jobs.ports import Place
from jobs.privileged.exchange import exchange
from jobs.store import live_set, set_damage, sync_directory
from jobs.wiring import schema
from jobs.wiring.adopted import adopt
from jobs.wiring.backup import machine
from jobs.wiring.backup_unpacked import is_database, unpack
from jobs.wiring.database_copies import BESIDE
from jobs.wiring.disk_words import disk_words
from jobs.wiring.instance import DATABASE, complete, config_path, now
from jobs.wiring.integrity import soundness
from jobs.wiring.serving import claim
from jobs.wiring.setup import LOCK
from jobs.wiring.stand_ins import Mended, mend
from jobs.wiring.still_read import still_read


@dataclass(frozen=True)
class Restored:
    """`manifest` is None for the database alone; `former`: where what stood there before is kept; `lost`: websites
    whose certificate is not there, so that the next check orders one."""

    manifest: Manifest | None
    former: Path | None
    lost: tuple[str, ...]
    mended: Mended = field(default_factory=lambda: Mended((), ()))
    migrated: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    """Websites with a certificate that came after the backup, which stays the live one."""
    other_host: bool = False


def restore(directory: Path, file: Path, force: bool, staged: Path | None = None) -> Restored:
    """Put the backup `file` in place, as the instance at `directory`. With `staged`, an empty directory, it is made
    ready there, and `put_in_place` is the caller's.

    Raises Failure("backup_invalid"), Failure("backup_newer"), Failure("instance_not_empty"), Failure("instance_busy"),
    Failure("already_serving"), Failure("restore_impossible"), Failure("no_room"); nothing is changed then.
    """
    directory = directory.absolute()
    alone = is_database(file)
    with disk_words(f"restoring {directory}"), _ours_alone(directory):
        taken = directory / DATABASE if alone else directory
        if not force and (taken.exists() if alone else _has_something(directory)):
            words = f"{taken}: there is something already; --force puts it aside (it is kept) and restores"
            raise Failure("instance_not_empty", words, permanent=True)
        return _database(directory, file) if alone else _everything(directory, file, staged)


def _everything(directory: Path, file: Path, apart: Path | None) -> Restored:
    if directory.is_symlink() or os.path.ismount(directory):
        words = f"{directory} is a link or a mount point, which can't change places with another directory"
        raise Failure("restore_impossible", f"{words}; restore to a directory below it", permanent=True)
    staged = apart or stage(directory)
    try:
        manifest = unpack(file, staged)
        migrated = _brought_up(staged / DATABASE, file)
        other_host = manifest.machine != machine()
        _drop_what_was_of_then(other_host)
        mended = _mended(directory, staged)
        adopted = adopt(Place(staged), now())
        lost = _lost(Place(staged))
        models.database.close()
        _settle(staged)
        former = None if apart else put_in_place(staged, directory)
    except BaseException:
        with suppress(AttributeError):  # nothing was opened yet
            models.database.close()
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return Restored(manifest, former, lost, mended, migrated, adopted, other_host)


def _database(directory: Path, file: Path) -> Restored:
    """Only the rows go back to what they were; every file stays."""
    if not directory.is_dir():
        words = f"{directory}: expected an installation whose database is damaged; {file} is a database alone"
        raise Failure("restore_impossible", words, permanent=True)
    staged = Path(tempfile.mkdtemp(prefix=".restored-", dir=directory))
    try:
        shutil.copyfile(file, staged / DATABASE)
        (staged / DATABASE).chmod(0o600)
        migrated = _brought_up(staged / DATABASE, file)
        _drop_what_was_of_then(other_host=False)
        adopted = adopt(Place(directory), now())
        lost = _lost(Place(directory))
        models.database.close()
        _sync_file(staged / DATABASE)
        stood = [path for end in ("", *BESIDE) if (path := directory / f"{DATABASE}{end}").exists()]
        former = _free(directory, "database") if stood else None
        if former is not None:
            former.mkdir(mode=0o700)
            for path in stood:  # a log of other rows must never meet these, though their database be gone
                path.rename(former / path.name)
            sync_directory(former)
        (staged / DATABASE).rename(directory / DATABASE)
        sync_directory(directory)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return Restored(None, former, lost, migrated=migrated, adopted=adopted)


@contextmanager
def _ours_alone(directory: Path) -> Iterator[None]:
    """Neither a server nor a check works on what stands there, for the length of the block."""
    with ExitStack() as held:
        if directory.is_dir():
            serving = claim(Place(directory))
            held.callback(serving.release)
            free = held.enter_context(queue.instance_lock(directory / LOCK, lambda: None, give_up=lambda: True))
            if not free:
                words = f"{directory}: a check or a setup is running; wait for its end, then restore"
                raise Failure("instance_busy", words, permanent=True)
        yield


def _has_something(directory: Path) -> bool:
    """Anything but the two files of the locks, which may just have been made."""
    return directory.is_dir() and any(entry.name not in (LOCK, STATE) for entry in directory.iterdir())


def _brought_up(path: Path, file: Path) -> tuple[str, ...]:
    """Check a database that came from outside, and migrate it; it is open afterwards. Returns what was applied."""
    found = soundness(path)
    if found.damage:
        raise Failure("backup_invalid", f"{file}: its database is damaged: {found.damage}", permanent=True)
    try:
        newer = schema.unknown(schema.migrations_of(path))
    except sqlite3.OperationalError as error:
        raise Failure("backup_invalid", f"{file}: its database is none of ours: {error}", permanent=True) from error
    if newer:
        raise Failure("backup_newer", f"{file}: its database was {schema.by_newer(path, newer)}", permanent=True)
    real = models.open_database(path)
    odd = real.execute_sql("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchall()
    if odd:
        words = f"{file}: its database has {odd[0][0]!r}, a trigger or view, which none of ours has"
        raise Failure("backup_invalid", words, permanent=True)
    return tuple(schema.migrate(real))


def _drop_what_was_of_then(other_host: bool) -> None:
    """Sessions that may have been ended since; work that a process of then had in its hands; and on another host what
    was kept of the former one's files, which `setup --undo` would write over files of this one."""
    models.Session.delete().execute()
    queue.take_over(now())
    records.close_dead_runs(now())
    if other_host:
        models.SetupFile.delete().execute()


def _mended(directory: Path, staged: Path) -> Mended:
    """Paths that services read name the place where the instance will be, not where it is being made."""
    split = bool(load(config_path(directory)).root.socket)  # services read what the root side has then
    needed = still_read(Place(directory), staged / "conf", () if split else None)
    complete(Place(staged))
    return mend(Place(staged), Place(directory) if directory.is_dir() else None, needed, now())


def _lost(place: Place) -> tuple[str, ...]:
    gone = {row.main for row in models.Website.select(models.Website.main).where(models.Website.gone_at.is_null(False))}
    live = records.live_certificates()
    return tuple(site for site, one in sorted(live.items())
                 if site not in gone and set_damage(live_set(place, site, one.serial)))


def _settle(staged: Path) -> None:
    """Everything is on the disk before it takes its place."""
    for end in BESIDE:
        (staged / (DATABASE + end)).unlink(missing_ok=True)
    for folder, _, names in os.walk(staged):
        for name in names:
            path = Path(folder) / name
            if not path.is_symlink():
                _sync_file(path)
        sync_directory(Path(folder))
    staged.chmod(0o711)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def stage(directory: Path) -> Path:
    """An empty directory that can change places with the instance at `directory`."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{directory.name}.restored-", dir=directory.parent))


def put_in_place(staged: Path, directory: Path) -> Path | None:
    """One step where the file system can, else two, with a way back. Returns where the former instance is."""
    former = None
    try:
        if not directory.exists():
            staged.rename(directory)
        else:
            former = _free(directory.parent, directory.name)
            try:
                exchange(staged, directory)
                staged.rename(former)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOSYS):
                    raise
                directory.rename(former)
                try:
                    staged.rename(directory)
                except BaseException:
                    former.rename(directory)
                    raise
        sync_directory(directory.parent)
        if former is not None and not _has_something(former):
            shutil.rmtree(former)
            former = None
    except OSError as error:
        words = f"{directory}: putting the backup in its place: {error.strerror}"
        raise Failure("restore_impossible", words, permanent=True) from error
    return former


def _free(parent: Path, name: str) -> Path:
    """A name for what stood there before."""
    moment = now()
    while os.path.lexists(path := parent / f"{name}.before-{moment:%Y-%m-%dT%H%M%SZ}"):
        moment += timedelta(seconds=1)
    return path
