"""Turns what a disk or the database does to us into a Failure, at the edges where work begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from peewee import DatabaseError

from jobs.policy.disk_trouble import disk_trouble

PASSING = frozenset({"database_busy", "no_room"})
"""Codes of what ends by itself, or by somebody's making room: the same work is then done without being asked for."""

LONGEST_PAUSE = timedelta(minutes=10)


@contextmanager
def disk_words(where: str) -> Iterator[None]:
    """Errors of the disk and of the database leave the block as a Failure; others, which are bugs, as they are."""
    try:
        yield
    except (DatabaseError, OSError) as error:
        failure = disk_trouble(error, where)
        if failure is None:
            raise
        raise failure from error


def pause(attempts: int) -> timedelta:
    """How long work waits that such a failure ended `attempts` times."""
    return min(LONGEST_PAUSE, timedelta(minutes=max(1, attempts)))
