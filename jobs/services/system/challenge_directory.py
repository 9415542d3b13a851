"""The directory of answers to challenges, as web servers are told of it."""

from __future__ import annotations

from pathlib import Path

from jobs.policy.failure import Failure


def refuse_link(directory: Path) -> None:
    """Whoever may write there could lead web servers, and us, to any other directory. Raises
    Failure("challenges_unreachable") before anything behind a link is looked at."""
    if directory.is_symlink():
        words = f"{directory}: it is a link, and nothing behind it is served; make it a directory"
        raise Failure("challenges_unreachable", words, permanent=True)
