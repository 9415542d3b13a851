"""The verb `publish` for zone files, which live where the name server may write as well.

Everything happens within one directory that was opened and looked at first, so that nobody can lay another one in its
place; and a file is only replaced while it is the one that was read.
"""

from __future__ import annotations

import os
import pwd
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jobs.policy.failure import Failure

_NAME_SERVERS = ("bind", "named")
"""The accounts that named runs as: Debian's and the others'."""

_LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True)
class ZoneFile:
    """A zone file as it was read. `inode`: device and number; `changed_ns`: its time of modification."""

    path: Path
    content: bytes = field(repr=False)
    mode: int
    uid: int
    gid: int
    inode: tuple[int, int]
    changed_ns: int


def read_zone_file(path: Path) -> ZoneFile:
    """Raises Failure("zone_file_unsafe") for what this host would not write, Failure("unreadable")."""
    try:
        with _directory(path) as directory:
            return _read(path, directory)
    except OSError as error:
        raise Failure("unreadable", f"{path}: reading the zone file: {error.strerror}") from error


def publish_zone_file(was: ZoneFile, content: bytes) -> None:
    """Replace a file that was read by `content`, whole at once, with its owner and mode.

    Its time of modification is the present to the nanosecond: named passes over a file that is not newer than its last
    loading, and the kernel's own stamps may be some milliseconds old. Raises Failure("zone_changed_meanwhile"),
    Failure("zone_file_unsafe"), Failure("zone_not_written"); nothing is changed then.
    """
    try:
        with _directory(was.path) as directory:
            present = _read(was.path, directory)
            if present != was:
                words = f"{was.path}: somebody else wrote it since it was read; nothing was written"
                raise Failure("zone_changed_meanwhile", words)
            _replace(was, content, directory)
    except OSError as error:
        raise Failure("zone_not_written", f"{was.path}: writing: {error.strerror}") from error


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    """A descriptor of the file's directory, if nobody but root and the name server can change what is in it, or above
    it. Links to directories are followed, as named does."""
    if not path.is_absolute() or ".." in path.parts:
        raise Failure("zone_file_unsafe", f"{path}: expected an absolute path without '..'", permanent=True)
    real = path.parent.resolve(strict=True)
    descriptor = os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _refuse_others(real, os.fstat(descriptor))
        for above in real.parents:
            _refuse_others(above, above.stat())
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_others(path: Path, facts: os.stat_result) -> None:
    """Whoever may write a zone file chooses by $INCLUDE what root's own named-checkzone reads."""
    owners, groups = {0, os.geteuid()}, {0, os.getegid()}
    for name in _NAME_SERVERS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        owners.add(account.pw_uid)
        groups.add(account.pw_gid)
    sticky = stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX
    others = facts.st_mode & 0o002 or (facts.st_mode & 0o020 and facts.st_gid not in groups)
    if facts.st_uid not in owners or (others and not sticky):
        words = f"{path} belongs to uid {facts.st_uid}, gid {facts.st_gid}, and has the mode "
        words += f"{stat.S_IMODE(facts.st_mode):o}: others than root and the name server may change it"
        raise Failure("zone_file_unsafe", words, permanent=True)


def _read(path: Path, directory: int) -> ZoneFile:
    facts = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISREG(facts.st_mode):
        kind = "a link" if stat.S_ISLNK(facts.st_mode) else "something else"
        raise Failure("zone_file_unsafe", f"{path}: expected a regular file, found {kind}", permanent=True)
    descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
            words = f"{path}: expected a regular file with one name, found {facts.st_nlink} hard links"
            raise Failure("zone_file_unsafe", words, permanent=True)
        _refuse_others(path, facts)
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise Failure("unreadable", f"{path}: larger than {_LARGEST} bytes")
    mode, inode = stat.S_IMODE(facts.st_mode), (facts.st_dev, facts.st_ino)
    return ZoneFile(path, content, mode, facts.st_uid, facts.st_gid, inode, facts.st_mtime_ns)


def _replace(was: ZoneFile, content: bytes, directory: int) -> None:
    """Temp file, fsync, rename, fsync of the directory."""
    name = f".{was.path.name}.{os.getpid()}.{os.urandom(4).hex()}.autossl"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600,
                         dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(descriptor, was.uid, was.gid)
            os.fchmod(descriptor, was.mode)
            now = time.time_ns()
            os.utime(descriptor, ns=(now, now))
            os.fsync(descriptor)
        os.rename(name, was.path.name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        os.unlink(name, dir_fd=directory)
        raise
    os.fsync(directory)
