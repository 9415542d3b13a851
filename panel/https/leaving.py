"""Answers on their way: what a client does not take at once is kept here, so that no thread waits for it.

Answers are held in memory up to a size that every page of the panel is below, and in an unnamed file beyond.
"""

from __future__ import annotations

import errno
import ssl
import time
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import Any

HELD = 256 * 1024
"""Bytes of one answer that are kept in memory."""

MOST_HELD = 256 * 1024 * 1024
"""Bytes that may wait for one client: a log is the longest of all answers."""

AT_ONCE = 16 * 1024
"""Bytes of one TLS record."""

SLOWEST = 20.0
"""Seconds in which a client has to take the next HELD bytes, or the rest if that is less."""


class Leaving:
    """What `cheroot` writes an answer to. Never blocks. When the client is gone or takes too little it raises
    ConnectionResetError, about which `cheroot` says nothing."""

    def __init__(self, sock: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._sock, self._clock = sock, clock
        self._kept = SpooledTemporaryFile(max_size=HELD)  # noqa: SIM115 closed by `close`
        self._read = self._end = self._mark = 0
        self.deadline = 0.0
        """Until when the client has to have taken its next part; only while something waits."""
        self.bytes_written = 0
        self.closed = False

    def waits(self) -> bool:
        return self._read < self._end

    def write(self, data: bytes) -> int:
        if not self.waits():
            self._mark, self.deadline = 0, self._clock() + SLOWEST
        elif self._end - self._read + len(data) > MOST_HELD:
            raise _gone(f"more than {MOST_HELD} bytes wait for it")
        self._kept.seek(self._end)
        self._kept.write(data)
        self._end += len(data)
        self.bytes_written += len(data)
        self.send()
        return len(data)

    def send(self) -> bool:
        """Send as much as the client takes now; whether nothing is left. Raises ConnectionResetError."""
        while self.waits():
            self._kept.seek(self._read)
            part = self._kept.read(AT_ONCE)
            try:
                sent = self._sock.send(part)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                break
            except OSError as error:
                raise _gone(str(error)) from error
            self._read += sent
        now = self._clock()
        if self._read - self._mark >= HELD:
            self._mark, self.deadline = self._read, now + SLOWEST
        if self.waits():
            if now > self.deadline:
                raise _gone(f"it did not take the next {HELD} bytes in {SLOWEST:.0f} s")
            return False
        if self._end:
            self._kept.seek(0)
            self._kept.truncate()
            self._read = self._end = self._mark = 0
        return True

    def flush(self) -> None:
        """Nothing waits for a fuller buffer."""

    def close(self) -> None:
        self.closed = True
        self._kept.close()


def _gone(why: str) -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, f"the client: {why}")
