"""What name servers are asked until they agree, for many orders at once: all of it in one thread, which is there only
as long as an order waits, so that none of the threads that order has to.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from jobs.courses import Waits

T = TypeVar("T")

_FIRST, _LONGEST, _GROWTH = 0.01, 1.0, 1.5
"""Seconds between two looks of an order at whether its own is done, growing."""


class Watching:
    """Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a course that nobody holds any more is ended at any moment, by any thread
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self._watched = 0

    def until(self, look: Callable[[], Coroutine[Any, Any, T]]) -> Waits[T]:
        """What comes of `look`, or what it raises. It is cancelled when the course is given up."""
        loop = self._begun()
        try:
            looking = asyncio.run_coroutine_threadsafe(look(), loop)
            try:
                wait = _FIRST
                while not looking.done():
                    yield wait
                    wait = min(wait * _GROWTH, _LONGEST)
                return looking.result()
            finally:
                looking.cancel()
        finally:
            self._ended()

    def _begun(self) -> asyncio.AbstractEventLoop:
        """The loop, which goes on at least until `_ended`."""
        with self._lock:
            if self._loop is None:
                loop, self._over = asyncio.new_event_loop(), asyncio.Event()
                threading.Thread(target=_run, args=(loop, self._over), name="name-servers", daemon=True).start()
                self._loop = loop
            self._watched += 1
            return self._loop

    def _ended(self) -> None:
        with self._lock:
            self._watched -= 1
            if not self._watched and self._loop is not None:
                self._loop.call_soon_threadsafe(self._over.set)
                self._loop = None


def _run(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(over.wait())
