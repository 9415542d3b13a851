"""Commits that outlive the machine, for the few rows on which files and the outside world depend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import models


@contextmanager
def durable() -> Iterator[None]:
    """What this thread commits in the block, and all before it, is on the disk afterwards, also if the power fails.

    Elsewhere a commit outlives the process, and the machine only once the log is checkpointed: that is much quicker.
    Must not be entered within a transaction.
    """
    models.database.execute_sql("PRAGMA synchronous = full")
    try:
        yield
    finally:
        models.database.execute_sql("PRAGMA synchronous = normal")
