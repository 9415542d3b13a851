"""Where a command gets a secret from: the first line of a file, or of stdin."""

from __future__ import annotations

import sys
from pathlib import Path

from jobs.policy.failure import Failure

_LONGEST = 4096


def read_secret(source: str, what: str) -> str:
    """`-` reads stdin; `what` names it in the message. Raises Failure("file_unreadable")."""
    if source == "-":
        return sys.stdin.readline(_LONGEST).rstrip("\r\n")
    try:
        with Path(source).open(encoding="utf-8") as file:
            return file.readline(_LONGEST).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise Failure("file_unreadable", f"{source}: reading the {what}: {reason}", permanent=True) from error
