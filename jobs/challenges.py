"""Answers http-01 challenges (RFC 8555 section 8.3) from one directory of ours: one file a token.

The web server serves that directory by one global rule; nothing is ever written into a user's docroot.

A process holds a lock (flock) on every answer that it has put there. The lock falls with its process, so that what
the dead have left can be told from what somebody waits for, whatever its age.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jobs.courses import Waits
from jobs.crash_points import edges
from jobs.policy.failure import Failure

_TOKEN = re.compile(r"\A[A-Za-z0-9_-]{8,256}\Z")


class HttpSolver:
    """Writes the files. Safe from several threads: each token has a file of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}
        """The descriptor of each answer, by token: as long as it is open, the answer is not swept."""

    def present(self, name: str, token: str, key_authorization: str) -> None:
        """Make the answer readable by the web server, whole at once. Raises Failure("challenge_not_written")."""
        path = self._path(token)
        temporary = path.with_name(f".{token}.{os.urandom(4).hex()}")
        try:
            with _directory_lock(self._directory, fcntl.LOCK_SH):
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
                self._hold(token, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            with os.fdopen(descriptor, "w", encoding="ascii", closefd=False) as file:
                os.fchmod(descriptor, 0o644)
                file.write(key_authorization)
            with edges("place challenge"):
                temporary.rename(path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            self._hold(token, None)
            words = f"{name}: writing the challenge's answer to {path}: {error.strerror}"
            raise Failure("challenge_not_written", words) from error

    def settle(self, name: str, token: str) -> Waits[None]:
        """A file is there at once."""
        yield from ()

    def clean(self, name: str, token: str) -> None:
        """Take the answer away. One that can't be removed (the disk is read-only now) is swept by a later check, and
        costs nobody the certificate that it was for."""
        with edges("remove challenge"):
            path = self._path(token)
            with suppress(OSError):
                path.unlink()
        self._hold(token, None)

    def _hold(self, token: str, descriptor: int | None) -> None:
        with self._lock:
            former = self._held.pop(token, None)
            if former is not None:
                os.close(former)
            if descriptor is not None:
                self._held[token] = descriptor

    def _path(self, token: str) -> Path:
        if not _TOKEN.match(token):
            raise Failure("ca_bad_token", f"token {token[:40]!r}: expected base64url characters; nothing was written")
        return self._directory / token


def sweep(directory: Path) -> int:
    """Remove answers that dead processes left; returns how many. What can't be removed is tried again the next time.

    Not to be done before orders that are under way are gone on with: the CA may be about to ask for an answer.
    """
    swept = 0
    with suppress(OSError), _directory_lock(directory, fcntl.LOCK_EX):
        for path in list(directory.iterdir()):
            with suppress(OSError):  # no file, or one that its owner has just taken away
                swept += _removed_if_dead(path)
    return swept


def _removed_if_dead(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def _directory_lock(directory: Path, kind: int) -> Iterator[None]:
    """Between the making of a file and its lock nobody may sweep."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
