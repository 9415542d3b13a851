"""The work lock as the duties of the tick take it: held for a moment, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jobs import queue
from jobs.wiring.instance import Instance
from jobs.wiring.setup import LOCK


@contextmanager
def while_free(instance: Instance) -> Iterator[bool]:
    """Hold the work lock if nobody else does; whether that is so. Nothing is waited for."""
    with queue.instance_lock(instance.place.instance / LOCK, lambda: None, give_up=lambda: True) as ours:
        yield ours
