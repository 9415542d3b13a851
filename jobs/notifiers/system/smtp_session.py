"""An SMTP session with a limit for all of it. A socket's own timeout begins anew with every byte, and a server may send
few."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from smtplib import SMTP
from types import TracebackType
from typing import BinaryIO

MOST_BYTES = 1 << 20
"""Of what a server says in a session. The library keeps all lines of an answer, and an answer may have no end."""


class OutOfTime(Exception):
    """The session was cut off, because it came to no end."""


class Session(SMTP):
    """Open from its making to the end of its block, and no longer than `seconds`. With `context` TLS comes first.
    Every error of the library is an OSError."""

    def __init__(self, host: str, port: int, own_name: str, seconds: float, context: ssl.SSLContext | None) -> None:
        """Raises OutOfTime, OSError."""
        self._ends = time.monotonic() + seconds
        self._context = context
        self._cut = threading.Event()
        self._line: socket.socket | None = None
        self._timer: threading.Timer | None = None
        try:
            super().__init__(host, port, local_hostname=own_name, timeout=seconds)
        except BaseException as error:
            self._let_go()
            if isinstance(error, OSError) and self._is_over():
                raise OutOfTime from error
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """A farewell that fails changes nothing of what was said before."""
        if error is None:
            with suppress(OSError):
                self.docmd("QUIT")
        self.close()
        self._let_go()
        if isinstance(error, OSError) and self._is_over():
            raise OutOfTime from error

    def getreply(self) -> tuple[int, bytes]:
        """As the library does it; it makes the file anew after STARTTLS."""
        if self.file is None:
            self.file = _Bounded(self.sock.makefile("rb"))  # type: ignore[union-attr]
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Called by the library when it connects."""
        plain = self._connected(host, port)
        # a second handle on the same connection, to cut it off whatever the first is wrapped into
        self._line = plain.dup()
        self._timer = threading.Timer(max(self._ends - time.monotonic(), 0), self._cut_off)
        self._timer.daemon = True
        self._timer.start()
        return plain if self._context is None else self._context.wrap_socket(plain, server_hostname=host)

    def _connected(self, host: str, port: int) -> socket.socket:
        """At the first address that answers; each has its share of the time that is left."""
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        trouble: OSError = OSError(f"{host} has no address")
        for tried, (*_, address) in enumerate(addresses):
            share = (self._ends - time.monotonic()) / (len(addresses) - tried)
            if share <= 0:
                raise TimeoutError("no connection in time")
            try:
                found = socket.create_connection((str(address[0]), port), share)
            except OSError as error:
                trouble = error
                continue
            found.settimeout(max(self._ends - time.monotonic(), 0.001))
            return found
        raise trouble

    def _cut_off(self) -> None:
        self._cut.set()
        if self._line is not None:
            with suppress(OSError):  # it is closed already
                self._line.shutdown(socket.SHUT_RDWR)

    def _is_over(self) -> bool:
        return self._cut.is_set() or time.monotonic() >= self._ends

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._line is not None:
            self._line.close()


class _Bounded:
    """What the library uses of a socket's file, with an end to how much comes out of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, MOST_BYTES

    def readline(self, size: int) -> bytes:
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError(f"it says more than {MOST_BYTES} bytes")
        return line

    def close(self) -> None:
        self._file.close()
