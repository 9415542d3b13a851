"""Says every few seconds that the owner of a row is alive: one thread a process, for all the rows that it owns."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from peewee import DatabaseError

import models
from jobs import queue

EVERY = 10.0
"""Seconds; see `queue.STALE`."""

_log = logging.getLogger("autossl.heartbeat")


@contextmanager
def beating(
    row: models.QueueEntry, clock: Callable[[], datetime], lost: Callable[[], None], every: float = EVERY
) -> Iterator[None]:
    """While the block runs. `lost` is called once, in that thread with a connection of its own, when the row was taken
    over: this process slept for so long that it counted as dead, and must stop working on it."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every):
            try:
                with models.database.connection_context():
                    if not queue.beat(row, clock()):
                        _log.warning("entry %s of the queue was taken over by another process; stopping", row.id)
                        lost()
                        return
            except DatabaseError as error:  # the disk is full, say; the next beat may be heard
                _log.warning("entry %s of the queue: its heartbeat was not kept: %s", row.id, error)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
