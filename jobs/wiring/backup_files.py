"""What of an instance goes into a backup: its files as they are at this moment, each with its SHA-256."""

from __future__ import annotations

import errno
import grp
import hashlib
import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from jobs.policy.backup_manifest import FILES, Entry, leads_within
from jobs.ports import Place

ALWAYS = ("conf", "sites.d", "backups")
WITH_KEYS = ("tls", "keys")
"""Folders that hold private keys, or are of no use without them."""

_BLOCK = 1024 * 1024


class ChangedMeanwhile(Exception):
    """A file was changed or removed between two looks at it: the backup is begun anew."""


@dataclass
class Found:
    """`entries` in the order of a manifest; `left_out`: what no backup holds (sockets, links that lead out)."""

    entries: list[Entry] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def look(place: Place, database: Path, keys: bool, logs: bool) -> Found:
    """Everything that goes into the backup; `database` is the copy that stands for the instance's own.

    Raises ChangedMeanwhile, and OSError for what can't be read.
    """
    found = Found()
    folders = (*(WITH_KEYS if keys else ()), *ALWAYS, *(("logs",) if logs else ()))
    found.entries.append(_file(FILES[0], database))
    config = place.instance / FILES[1]
    if config.exists():
        found.entries.append(_file(FILES[1], config))
    for folder in folders:
        if (place.instance / folder).is_dir():
            _walk(place, folder, found)
    _without_dead_links(found)
    return found


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, never a link or a pipe that somebody put in its place. Raises ChangedMeanwhile, OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
            raise
        raise ChangedMeanwhile(str(path)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ChangedMeanwhile(str(path))
    with os.fdopen(descriptor, "rb") as file:
        yield file


def digest(file: BinaryIO, size: int) -> str:
    """SHA-256 of the first `size` bytes: a log grows while it is read, and what stands there stays. Raises
    ChangedMeanwhile where there are fewer."""
    sha256, left = hashlib.sha256(), size
    while left:
        block = file.read(min(_BLOCK, left))
        if not block:
            raise ChangedMeanwhile(str(file.name))
        sha256.update(block)
        left -= len(block)
    return sha256.hexdigest()


def _walk(place: Place, path: str, found: Found) -> None:
    """A directory and what is in it. Hidden names are what somebody is just writing; the nightly copies of the database
    are copies of what is in the backup already."""
    directory = place.instance / path
    try:
        facts, names = directory.lstat(), sorted(entry.name for entry in directory.iterdir())
    except FileNotFoundError as error:
        raise ChangedMeanwhile(str(directory)) from error
    found.entries.append(Entry(path, "directory", stat.S_IMODE(facts.st_mode) & 0o755))
    for name in names:
        inner = posixpath.join(path, name)
        if name.startswith(".") or inner == "backups/db":
            continue
        if not inner.isprintable():
            found.left_out.append(f"{inner!r}: its name can't be kept")
            continue
        _one(place, inner, found)


def _one(place: Place, path: str, found: Found) -> None:
    real = place.instance / path
    try:
        facts = real.lstat()
        if stat.S_ISLNK(facts.st_mode):
            found.entries.append(Entry(path, "link", target=str(real.readlink())))
        elif stat.S_ISDIR(facts.st_mode):
            _walk(place, path, found)
        elif stat.S_ISREG(facts.st_mode):
            found.entries.append(_file(path, real))
        else:
            found.left_out.append(f"{real}: neither a file nor a directory")
    except FileNotFoundError as error:
        raise ChangedMeanwhile(str(real)) from error


def _file(path: str, real: Path) -> Entry:
    with opened(real) as file:
        facts = os.fstat(file.fileno())
        return Entry(
            path, "file", stat.S_IMODE(facts.st_mode) & 0o755, _group(facts), facts.st_size,
            digest(file, facts.st_size),
        )


def _group(facts: os.stat_result) -> str:
    """By name, for the same group has another number on another host; root's own is none."""
    if facts.st_gid == 0:
        return ""
    try:
        return grp.getgrgid(facts.st_gid).gr_name
    except KeyError:
        return ""


def _without_dead_links(found: Found) -> None:
    """Links that lead out of the instance, or to nothing in it, are left out: no restore would follow them."""
    kinds = {entry.path: entry.kind for entry in found.entries}
    kept = []
    for entry in found.entries:
        if entry.kind == "link" and not leads_within(entry, kinds):
            found.left_out.append(f"{entry.path}: a link to {entry.target!r}, which is not in the backup")
        else:
            kept.append(entry)
    found.entries = kept
