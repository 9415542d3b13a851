"""A limit for a whole answer. A socket's own timeout begins anew with every byte, and a hostile server sends few."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_ends: ContextVar[float | None] = ContextVar("ends", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Whatever this thread reads from a `TimedSocket` in the block must have come after so many seconds."""
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


class TimedSocket(ssl.SSLSocket):
    """Waits for each piece until the end of the present `within`, and never longer than its own timeout."""

    def recv_into(self, *arguments: Any, **settings: Any) -> int:
        ends = _ends.get()
        if ends is None:
            return super().recv_into(*arguments, **settings)
        own, left = self.gettimeout(), ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not come to its end in time")
        self.settimeout(left if own is None else min(own, left))
        try:
            return super().recv_into(*arguments, **settings)
        finally:
            self.settimeout(own)
