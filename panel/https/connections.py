"""One connection of the server, as steps that never wait: whatever its client sends or takes slowly, no thread is held.

The application sees a request when all of it has come, and its answer leaves without it. Every stage has a time after
which it is given up. Whoever speaks plain HTTP is told the address that begins with https.
"""

from __future__ import annotations

import logging
import re
import select
import selectors
import socket
import ssl
import time
from enum import Enum
from io import BytesIO
from typing import Any

from cheroot import errors
from cheroot.server import HeaderReader, HTTPConnection, HTTPRequest
from cheroot.ssl import Adapter

from panel.https.arriving import Arriving, Refused
from panel.https.certificates import Certificates
from panel.https.leaving import Leaving

log = logging.getLogger("autossl.panel")

IDLE = 15.0
"""Seconds that a connection may be silent between two requests."""
HANDSHAKE, REQUEST = 10.0, 20.0
"""Seconds in which a handshake, and a whole request with its body, have to arrive."""
LAST_WORDS = 2.0
"""Seconds that a client has to read why it was refused, before the connection ends under what it still sends."""

_BLOCK = 64 * 1024
_TLS_HANDSHAKE = b"\x16"
_REQUEST = re.compile(rb"\A(?:GET|HEAD) (/[!-~]*) HTTP/1\.[01]\r\n(?:.*\r\n)*?Host: *([A-Za-z0-9.:\[\]-]+)\r\n", re.I)
_LONGEST_PLAIN = 32 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SENTENCE = b"This port speaks HTTPS only: the address has to begin with https://\n"


class Stage(Enum):
    """What a connection waits for."""

    HANDSHAKE = "a handshake"
    IDLE = "a request"
    REQUEST = "the rest of a request"
    ANSWER = "its client to take an answer"
    END = "its client to have read the last answer"


class PanelSocket(ssl.SSLSocket):
    """Never blocks."""

    def plain_peek(self, size: int) -> bytes:
        return socket.socket.recv(self, size, socket.MSG_PEEK)

    def plain_answer(self, answer: bytes) -> None:
        """Take what has arrived, or closing would send a reset that overtakes the answer."""
        socket.socket.recv(self, _LONGEST_PLAIN)
        socket.socket.send(self, answer)

    def shutdown(self, how: int) -> None:
        """End one direction, or both, below TLS. That stays as it is: a thread may be in it, and without it what that
        one still sends would leave in clear."""
        try:
            socket.socket.shutdown(self, how)
        except OSError:
            return  # the client ended it before


class LateHandshake(Adapter):
    """Makes TLS sockets whose handshake has not begun; the connection does it when there is something to read."""

    def __init__(self, certificates: Certificates) -> None:
        super().__init__("", "")
        self._certificates = certificates

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        context = self._certificates.first()
        context.sslsocket_class = PanelSocket
        try:
            tls = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:  # the client is gone already
            sock.close()
            raise errors.FatalSSLAlert(*error.args) from error
        return tls, self.get_environ()

    def get_environ(self) -> dict[str, str]:
        return {"HTTPS": "on"}

    def makefile(self, sock: ssl.SSLSocket, mode: str = "r", bufsize: int = -1) -> Arrived | Leaving:
        return Arrived() if "r" in mode else Leaving(sock)


class Arrived(BytesIO):
    """A whole request, for `cheroot` to read."""

    bytes_read = 0


class Headers(HeaderReader):
    """`X_Y` and `X-Y` would be the same header for the application, so the first does not get there."""

    def _allow_header(self, key_name: bytes) -> bool:
        return b"_" not in key_name


class Request(HTTPRequest):
    header_reader = Headers()


class Connection(HTTPConnection):
    """First the handshake, in as many steps as the client needs; then requests, each read whole before it is answered.

    Between two steps it waits for `events`, until `deadline`; `waits` says that the selector has it, `busy` that a
    step is being done.
    """

    RequestHandlerClass = Request

    def __init__(self, server: Any, sock: PanelSocket, makefile: Any) -> None:
        super().__init__(server, sock, makefile)
        sock.settimeout(0)
        self.waits = self.busy = False
        self.source = ""
        self._arriving = Arriving()
        self._last = self._spoken = self._again = self._closed = False
        self._enter(Stage.HANDSHAKE, HANDSHAKE)

    def communicate(self) -> bool:
        """One step. Returns whether the connection stays open."""
        self.busy, self._again = True, False
        try:
            if time.monotonic() >= self.deadline:
                return self._stage is Stage.REQUEST and self._refuse("408 Request Timeout")
            return _STEPS[self._stage](self)
        except Refused as refused:
            return self._refuse(refused.status)
        except (ssl.SSLWantReadError, BlockingIOError):
            return self._waits(selectors.EVENT_READ)
        except ssl.SSLWantWriteError:
            return self._waits(selectors.EVENT_WRITE)
        except OSError as error:  # ssl.SSLError too: an unknown protocol, a refused certificate, a client that left
            log.debug("%s: waiting for %s: %s", self.remote_addr, self._stage.value, error)
            return False
        finally:
            self.busy = False

    def more_to_do(self) -> bool:
        """Whether there is something that does not show on the socket: what TLS has decrypted, or a next request."""
        return self._stage in (Stage.IDLE, Stage.REQUEST) and (self._again or self.socket.pending() > 0)

    def answering(self) -> bool:
        """Whether a part of an answer is still here."""
        return self._stage is Stage.ANSWER

    def finish(self, until: float) -> None:
        """Send what is left of an answer, and wait for that: the server ends. `until`: of `time.monotonic`."""
        poll = select.poll()
        poll.register(self.socket, select.POLLOUT)
        try:
            while self.wfile.waits() and not self.wfile.send():
                left = min(until, self.wfile.deadline) - time.monotonic()
                if left <= 0 or not poll.poll(left * 1000):
                    return
        except OSError as error:
            log.debug("%s: its last answer: %s", self.remote_addr, error)

    def cut(self) -> None:
        """End it from any thread; it is closed by the one that has it."""
        self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.server.crowd.leave(self)
            self.wfile.close()
            super().close()

    def _enter(self, stage: Stage, seconds: float) -> None:
        self._stage, self.since = stage, time.monotonic()
        self.deadline, self.events = self.since + seconds, selectors.EVENT_READ

    def _waits(self, events: int) -> bool:
        self.events = events
        return True

    def _shake_hands(self) -> bool:
        if not self._spoken:
            head: bytes = self.socket.plain_peek(_LONGEST_PLAIN)
            if not head.startswith(_TLS_HANDSHAKE):
                if head:
                    self.socket.plain_answer(answer_in_plain(head))
                return False
            self._spoken = True
        self.socket.do_handshake()
        self._enter(Stage.IDLE, IDLE)
        return True

    def _read(self) -> bool:
        """Take what has come; with the last byte of a request, answer it. Raises Refused."""
        while not self._arriving.complete():
            if self._arriving.expects_leave():
                self.wfile.write(_CONTINUE)
            part = self.socket.recv(_BLOCK)
            if not part:
                return False
            if self._stage is Stage.IDLE:
                self._enter(Stage.REQUEST, REQUEST)
            self._arriving.add(part)
        self.rfile = Arrived(self._arriving.take())
        self._last = not super().communicate()
        return self._sent()

    def _send(self) -> bool:
        self.wfile.send()
        return self._sent()

    def _sent(self) -> bool:
        """What comes after an answer, once all of it has left."""
        if self.wfile.waits():
            if self._stage is not Stage.ANSWER:
                self._enter(Stage.ANSWER, 0)
            self.deadline, self.events = self.wfile.deadline, selectors.EVENT_WRITE
            return True
        if self._last:
            return False
        self._again = len(self._arriving) > 0
        self._enter(*((Stage.REQUEST, REQUEST) if self._again else (Stage.IDLE, IDLE)))
        return True

    def _refuse(self, status: str) -> bool:
        """Say why, and read on for a moment: closing under what still comes would send a reset, which overtakes it."""
        words = f"{status}\n".encode()
        lines = (
            f"HTTP/1.1 {status}", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(words)}",
            "Connection: close",
        )
        self.wfile.write("".join(f"{line}\r\n" for line in (*lines, "")).encode() + words)
        self.socket.shutdown(socket.SHUT_WR)
        self._enter(Stage.END, LAST_WORDS)
        return True

    def _read_to_the_end(self) -> bool:
        return bool(self.socket.recv(_BLOCK))


_STEPS = {
    Stage.HANDSHAKE: Connection._shake_hands,
    Stage.IDLE: Connection._read,
    Stage.REQUEST: Connection._read,
    Stage.ANSWER: Connection._send,
    Stage.END: Connection._read_to_the_end,
}


def answer_in_plain(head: bytes) -> bytes:
    """What a client gets that speaks plain HTTP: the same address by https where it can be told, else a sentence."""
    asked = _REQUEST.match(head)
    status = b"307 Temporary Redirect" if asked else b"400 Bad Request"
    where = b"Location: https://%s%s\r\n" % (asked[2], asked[1]) if asked else b""
    return (
        b"HTTP/1.1 %s\r\n%sContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
        % (status, where, len(_SENTENCE), _SENTENCE)
    )
