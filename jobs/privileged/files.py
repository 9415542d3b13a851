"""The verb `publish`: files of services, written whole and put back exactly; and reading them."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.crash_points import edges
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange


@dataclass(frozen=True)
class Former:
    """What stood at a path before a change: enough to put it back exactly."""

    path: Path
    existed: bool
    content: bytes | None = None
    link: str | None = None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


def publish(changes: Sequence[FileChange]) -> tuple[Former, ...]:
    """Make every file as told, or none: temp file, fsync, rename, fsync of the directory.

    Returns what stood there, for `restore`. Refuses paths that are not absolute, and directories that somebody
    other than root (or us) owns or may write to. Raises Failure("publish_failed"); then all is as it was.
    """
    done: list[Former] = []
    try:
        for change in changes:
            _refuse_unsafe(change.path)
            done.append(former(change.path))
            with edges("write configuration" if change.link is None else "switch symlink"):
                _put(change, done[-1])
    except BaseException as error:  # a stop as well must leave nothing half-done
        restore(done)
        if not isinstance(error, OSError):
            raise
        where = changes[len(done) - 1].path if done else changes[0].path
        raise Failure("publish_failed", f"{where}: writing: {error.strerror or error}") from error
    return tuple(done)


def restore(formers: Sequence[Former]) -> None:
    """Put back what `publish` found, last change first. Raises Failure("restore_failed") after trying all."""
    failed = []
    for was in reversed(formers):
        try:
            if former(was.path) == was:  # never written: a disk that is read-only must not look like a failed repair
                continue
            if not was.existed:
                _remove(was.path)
            elif was.link is not None:
                _symlink(was.path, was.link)
            elif was.content is not None:
                _replace(was.path, was.content, was.mode, was.uid, was.gid)
        except OSError as error:
            failed.append(f"{was.path}: {error.strerror}")
        except Failure as failure:  # a directory stands there now, say; the others are put back all the same
            failed.append(failure.detail)
    if failed:
        raise Failure("restore_failed", "putting back the former files: " + "; ".join(failed), permanent=True)


def former(path: Path) -> Former:
    """What stands at `path` now."""
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return Former(path, existed=False)
    if stat.S_ISLNK(facts.st_mode):
        return Former(path, existed=True, link=str(path.readlink()))
    if not stat.S_ISREG(facts.st_mode):
        raise Failure("publish_failed", f"{path}: expected a file, found something else", permanent=True)
    mode = stat.S_IMODE(facts.st_mode)
    return Former(path, True, path.read_bytes(), None, mode, facts.st_uid, facts.st_gid)


def read(path: Path, limit: int = 4 * 1024 * 1024) -> bytes | None:
    """The content of a configuration or certificate file, or None when it does not exist.

    Raises Failure("unreadable") when it can't be read, is no regular file or is larger than `limit` bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Failure("unreadable", f"{path}: reading: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Failure("unreadable", f"{path}: expected a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Failure("unreadable", f"{path}: larger than {limit} bytes")
    return content


def _put(change: FileChange, was: Former) -> None:
    _make_directory(change.path.parent)
    if change.link is not None:
        _symlink(change.path, change.link)
    elif change.content is None:
        _remove(change.path)
    else:
        keep = was.existed and was.link is None
        mode = change.mode if change.mode is not None else (was.mode if keep else 0o644)
        uid, gid = (was.uid, was.gid) if keep else (os.geteuid(), os.getegid())
        _replace(change.path, change.content, mode, uid, gid)


def _replace(path: Path, content: bytes, mode: int, uid: int, gid: int) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".autossl", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _symlink(path: Path, target: str) -> None:
    temporary = path.parent / f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.autossl"
    temporary.symlink_to(target)
    try:
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
    _sync_directory(path.parent)


def _make_directory(path: Path) -> None:
    """With those above it; each is on the disk as soon as it is named there."""
    missing = [directory for directory in (path, *path.parents) if not directory.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for directory in missing:
        _sync_directory(directory.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_unsafe(path: Path) -> None:
    """Root never writes into a tree that somebody else owns: a user could swap a directory for a symlink."""
    if not path.is_absolute() or ".." in path.parts:
        raise Failure("publish_failed", f"{path}: expected an absolute path without '..'", permanent=True)
    for directory in path.parents:
        try:
            facts = directory.stat()
        except FileNotFoundError:
            continue
        others = facts.st_mode & 0o022 and not facts.st_mode & stat.S_ISVTX
        if facts.st_uid not in (0, os.geteuid()) or others:
            raise Failure(
                "publish_failed",
                f"{path}: not written, because {directory} belongs to uid {facts.st_uid} or others may write to it",
                permanent=True,
            )
