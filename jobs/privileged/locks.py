"""Locks by which processes of one installation know of each other.

They are open file description locks (fcntl(2), Linux 3.15): they end with the process however it ends, hold between
threads of one process too, and can be asked about without being taken, so that asking disturbs nobody.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WHOLE_FILE = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
"""`struct flock`: an exclusive lock from the first byte to the end, whatever the length."""


def take_lock(path: Path) -> int | None:
    """Lock `path`, which is made when it is missing; returns the descriptor that holds it, None when somebody else
    does. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock of `path` for the length of the block; others' turns are waited for, `seconds` at most.

    Raises TimeoutError after that, and OSError.
    """
    pause, end = 0.005, time.monotonic() + seconds
    while (descriptor := take_lock(path)) is None:
        if time.monotonic() >= end:
            raise TimeoutError(f"{path}: held by another process or thread for more than {seconds:g} s")
        time.sleep(pause)
        pause = min(pause * 2, 0.1)
    try:
        yield
    finally:
        os.close(descriptor)


def lock_taken(path: Path) -> bool:
    """Whether somebody holds the lock; a file that does not exist is not locked. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _WHOLE_FILE)
    finally:
        os.close(descriptor)
    kind: int = struct.unpack_from("h", answer)[0]
    return kind != fcntl.F_UNLCK
