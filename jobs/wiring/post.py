"""The thread of a server that sends messages, so that neither a check nor the clock ever waits for a mail server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from jobs.letter import Renderer
from jobs.wiring.instance import Instance, now
from jobs.wiring.sending import send_due

SECONDS_A_TURN = 300.0
LONGEST_REST = 600.0
"""Seconds: what another process puts into the outbox is found at the next tick anyway."""

SHORTEST_REST = 1.0
Turn = Callable[[str, Callable[[Instance], None]], None]
"""Calls something with an instance opened for this thread, and tells what came of it."""


class Post:
    def __init__(self, turn: Turn, render: Renderer) -> None:
        self._turn = turn
        self._render = render
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._next: datetime | None = None
        self._thread = threading.Thread(target=self._work, name="post", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def wake(self) -> None:
        """There may be something to send: look now."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Begin no further message, and wait for the present one at most so many seconds."""
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            self._next = None
            self._turn("sending messages", self._send)
            self._wake.wait(self._rest())

    def _send(self, instance: Instance) -> None:
        self._next = send_due(instance, self._render, SECONDS_A_TURN, self._stopping.is_set).next_at

    def _rest(self) -> float:
        """Until the next message may be tried again."""
        if self._next is None:
            return LONGEST_REST
        return min(max((self._next - now()).total_seconds(), SHORTEST_REST), LONGEST_REST)
