"""A backup is unpacked into a directory of its own and compared with its manifest, before anything is done with it.

The file is taken for hostile: nothing is made but what the manifest names, in the order that it names, within a
directory that nobody else may enter; links come last, so that nothing is ever written through one; what is read is
bounded by the manifest, and the manifest by a fixed size. Devices, sockets, hard links and sparse files are refused.
"""

from __future__ import annotations

import grp
import gzip
import hashlib
import os
import shutil
import stat
import tarfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from jobs.policy import backup_manifest
from jobs.policy.backup_manifest import Entry, Manifest, closed
from jobs.policy.failure import Failure
from jobs.store import sync_directory

LARGEST_MANIFEST = 128 * 1024 * 1024
_OVERHEAD = 8 * 1024
"""Bytes an entry that the archive itself may need: headers, padding, long names."""

_ROOM_LEFT = 64 * 1024 * 1024
_BLOCK = 1024 * 1024


class _Bounded:
    """The unpacked stream, up to a limit: a few bytes can be packed that unpack without end."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream, self._left = stream, limit

    def allow(self, more: int) -> None:
        self._left += more

    def read(self, size: int) -> bytes:
        block: bytes = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise _invalid("it unpacks to more than its manifest says")
        return block


def unpack(file: Path, into: Path) -> Manifest:
    """Make `into` (empty, ours alone) what the backup says. Raises Failure("backup_invalid"), Failure("no_room")."""
    try:
        with _opened(file) as raw, gzip.GzipFile(fileobj=raw) as packed:
            stream = _Bounded(packed, LARGEST_MANIFEST + _OVERHEAD)
            with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]
                manifest = _manifest(tar)
                _refuse_too_large(manifest, into)
                stream.allow(manifest.bytes + _OVERHEAD * (len(manifest.entries) + 1))
                _fill(tar, manifest, into)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise _invalid(f"expected a tar archive, packed by gzip, that is whole: {error}", file) from error
    except Failure as failure:
        raise Failure(failure.code, f"{file}: {failure.detail}", permanent=True) from failure
    return manifest


def is_database(file: Path) -> bool:
    """Whether the file is a copy of the database alone. Raises Failure("backup_invalid")."""
    with _opened(file) as raw:
        return raw.read(16) == b"SQLite format 3\0"


def _opened(file: Path) -> BinaryIO:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _invalid(f"reading: {error.strerror}", file) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _invalid("expected a file", file)
    return os.fdopen(descriptor, "rb")


def _manifest(tar: tarfile.TarFile) -> Manifest:
    member = tar.next()
    if member is None or member.name != backup_manifest.NAME or not _plain(member):
        raise _invalid(f"expected {backup_manifest.NAME} as its first file")
    if member.size > LARGEST_MANIFEST:
        raise _invalid(f"its manifest has {member.size} bytes: expected at most {LARGEST_MANIFEST}")
    source = tar.extractfile(member)
    text = source.read() if source else b""
    return backup_manifest.read(text.decode("utf-8", "replace"))


def _refuse_too_large(manifest: Manifest, into: Path) -> None:
    free, needed = shutil.disk_usage(into).free, manifest.bytes + _ROOM_LEFT
    if free < needed:
        raise Failure("no_room", f"it needs {needed} bytes below {into.parent}, where {free} are free; make room")


def _fill(tar: tarfile.TarFile, manifest: Manifest, into: Path) -> None:
    for entry in manifest.entries:
        member = tar.next()
        if member is None or member.name.rstrip("/") != entry.path:
            found = "its end" if member is None else repr(member.name)
            raise _invalid(f"expected {entry.path!r}, found {found}")
        if entry.kind == "directory" and member.isdir():
            (into / entry.path).mkdir(mode=0o700)
        elif entry.kind == "file" and _plain(member) and member.size == entry.size:
            source = tar.extractfile(member)
            assert source is not None
            _write(source, entry, into / entry.path)
        elif not (entry.kind == "link" and member.issym() and member.linkname == entry.target):
            raise _invalid(f"{entry.path!r} is not what its manifest says")
    extra = tar.next()
    if extra is not None:
        raise _invalid(f"it has {extra.name!r}, which its manifest does not name")
    for entry in manifest.entries:
        if entry.kind == "link":
            (into / entry.path).symlink_to(entry.target)
    for entry in reversed(manifest.entries):
        if entry.kind == "directory":
            (into / entry.path).chmod(closed(entry) | 0o700)
            sync_directory(into / entry.path)


def _plain(member: tarfile.TarInfo) -> bool:
    return member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()


def _write(source: Any, entry: Entry, path: Path) -> None:
    sha256, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while block := source.read(_BLOCK):
            sha256.update(block)
            size += len(block)
            file.write(block)
        file.flush()
        os.fchmod(descriptor, _owned(descriptor, entry))
        os.fsync(descriptor)
    if (size, sha256.hexdigest()) != (entry.size, entry.sha256):
        raise _invalid(f"{entry.path!r} has another content than its manifest says")


def _owned(descriptor: int, entry: Entry) -> int:
    """Give the file to its group, where this host has it and the place is one for that; the mode that it gets."""
    mode = closed(entry)
    if not mode & 0o040 or mode & 0o004:
        return mode
    try:
        os.fchown(descriptor, -1, grp.getgrnam(entry.group).gr_gid)
    except (KeyError, PermissionError):
        return mode & 0o700
    return mode


def _invalid(words: str, file: Path | None = None) -> Failure:
    return Failure("backup_invalid", f"{file}: {words}" if file else words, permanent=True)
