"""Answers http-01 challenges (RFC 8555 section 8.3) from one directory of ours: one file a token.

The web server serves that directory by one global rule; nothing is ever written into a user's docroot.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from jobs.policy.failure import Failure

_TOKEN = re.compile(r"\A[A-Za-z0-9_-]{8,256}\Z")


class HttpSolver:
    """Writes the files. Safe from several threads: each token has a file of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def present(self, name: str, token: str, key_authorization: str) -> None:
        """Make the answer readable by the web server, whole at once. Raises Failure("challenge_not_written")."""
        path = self._path(token)
        temporary = path.with_name(f".{token}.{os.urandom(4).hex()}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                os.fchmod(file.fileno(), 0o644)
                file.write(key_authorization)
            temporary.rename(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            words = f"{name}: writing the challenge's answer to {path}: {error.strerror}"
            raise Failure("challenge_not_written", words) from error

    def settle(self, name: str, token: str) -> None:
        """A file is there at once."""

    def clean(self, name: str, token: str) -> None:
        """Take the answer away; it is no error when it is gone."""
        self._path(token).unlink(missing_ok=True)

    def _path(self, token: str) -> Path:
        if not _TOKEN.match(token):
            raise Failure("ca_bad_token", f"token {token[:40]!r}: expected base64url characters; nothing was written")
        return self._directory / token


def sweep(directory: Path, older_than: datetime) -> int:
    """Remove answers that a dead process left, last written before `older_than` (aware); returns how many."""
    swept = 0
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # a check beside this one has just taken its own answer away
            facts = path.lstat()
            if stat.S_ISREG(facts.st_mode) and facts.st_mtime < older_than.timestamp():
                path.unlink()
                swept += 1
    return swept
