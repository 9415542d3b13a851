"""Connections of the server: the handshake never waits in the thread that accepts, nor in one that answers.

A connection waits with all idle ones until its client has sent something; a handshake or a request that trickles in is
given up after a fixed time. Whoever speaks plain HTTP is told the address that begins with https.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import time
from typing import Any

from cheroot import errors
from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection
from cheroot.ssl import Adapter
from cheroot.wsgi import Server

from panel.https.certificates import Certificates
from panel.https.sockets import BACKLOG

log = logging.getLogger("autossl.panel")

THREADS = 16
IDLE = 15
"""Seconds that a connection may be silent, between two requests as well as within one."""
HANDSHAKE, REQUEST = 10.0, 20.0
"""Seconds in which a handshake, and a whole request with its body, have to arrive."""
MOST_CONNECTIONS = 400
LAST_REQUESTS = 30
"""Seconds after which a server that is stopped reads no more of requests under way; answers are always finished."""
LARGEST_HEAD, LARGEST_BODY = 32 * 1024, 1024 * 1024

_TLS_HANDSHAKE = b"\x16"
_REQUEST = re.compile(rb"\A(?:GET|HEAD) (/[!-~]*) HTTP/1\.[01]\r\n(?:.*\r\n)*?Host: *([A-Za-z0-9.:\[\]-]+)\r\n", re.I)
_SENTENCE = b"This port speaks HTTPS only: the address has to begin with https://\n"


class TimedSocket(ssl.SSLSocket):
    """Reads only until `deadline` (`time.monotonic`), however often a few more bytes arrive."""

    deadline: float | None = None

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        left = IDLE if self.deadline is None else self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.settimeout(min(left, IDLE))
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        self.settimeout(IDLE)
        return super().send(data, flags)

    def plain_peek(self, size: int) -> bytes:
        return socket.socket.recv(self, size, socket.MSG_PEEK)

    def plain_answer(self, answer: bytes) -> None:
        """Take what has arrived, or closing would send a reset that overtakes the answer."""
        socket.socket.recv(self, LARGEST_HEAD)
        socket.socket.send(self, answer)


class LateHandshake(Adapter):
    """Makes TLS sockets whose handshake has not begun; the connection does it when there is something to read."""

    def __init__(self, certificates: Certificates) -> None:
        super().__init__("", "")
        self._certificates = certificates

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        context = self._certificates.first()
        context.sslsocket_class = TimedSocket
        try:
            tls = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:  # the client is gone already
            sock.close()
            raise errors.FatalSSLAlert(*error.args) from error
        return tls, self.get_environ()

    def get_environ(self) -> dict[str, str]:
        return {"HTTPS": "on"}

    def makefile(self, sock: ssl.SSLSocket, mode: str = "r", bufsize: int = -1) -> StreamReader | StreamWriter:
        return (StreamReader if "r" in mode else StreamWriter)(sock, mode, bufsize)


class Connection(HTTPConnection):
    """First the handshake, in as many steps as the client needs; then requests."""

    def __init__(self, server: PanelServer, sock: TimedSocket, makefile: Any) -> None:
        super().__init__(server, sock, makefile)
        self.new = True
        self._secured = self._spoken = self._closed = False
        self._deadline = time.monotonic() + HANDSHAKE

    def communicate(self) -> bool:
        """One step. Returns whether the connection stays open."""
        if not self._secured:
            return self._handshake()
        self.socket.deadline = time.monotonic() + REQUEST
        try:
            return bool(super().communicate())
        finally:
            self.socket.deadline = None

    def _handshake(self) -> bool:
        try:
            self.socket.settimeout(0)
            if not self._spoken and not self._speaks_tls():
                return False
            self._spoken = True
            self.socket.do_handshake()
        except (ssl.SSLWantReadError, BlockingIOError):
            return time.monotonic() < self._deadline
        except OSError as error:  # ssl.SSLError too: an unknown protocol, a refused certificate, a client that left
            log.debug("%s: handshake: %s", self.remote_addr, error)
            return False
        self._secured = True
        return True

    def _speaks_tls(self) -> bool:
        head: bytes = self.socket.plain_peek(LARGEST_HEAD)
        if head and not head.startswith(_TLS_HANDSHAKE):
            self.socket.plain_answer(answer_in_plain(head))
        return head.startswith(_TLS_HANDSHAKE)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.server.open_connections -= 1
        super().close()


class PanelServer(Server):
    """cheroot on a socket that listens already."""

    ConnectionClass = Connection
    keep_alive_conn_limit = MOST_CONNECTIONS
    max_request_header_size = LARGEST_HEAD
    max_request_body_size = LARGEST_BODY

    def __init__(self, listening: socket.socket, app: Any, certificates: Certificates) -> None:
        super().__init__(
            listening.getsockname()[:2], app, THREADS, server_name="autossl", timeout=IDLE,
            shutdown_timeout=LAST_REQUESTS, request_queue_size=BACKLOG,
        )
        self._listening = listening
        self.ssl_adapter = LateHandshake(certificates)
        self.open_connections = 0

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:
        self.socket = self._listening
        return self._listening

    def process_conn(self, conn: Any) -> None:
        """A new connection joins the idle ones until its client says something."""
        if not conn.new:
            super().process_conn(conn)
            return
        conn.new = False
        conn.remote_addr = conn.remote_addr.removeprefix("::ffff:")  # IPv4 on a socket of both families
        self.open_connections += 1
        if self.open_connections > MOST_CONNECTIONS:
            conn.close()
        else:
            self.put_conn(conn)

    def put_conn(self, conn: Any) -> None:
        """What TLS has decrypted already does not show on the socket, so it is worked on at once."""
        if self.ready and conn.socket.pending():
            self.process_conn(conn)
        else:
            super().put_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        log.log(level if level >= logging.WARNING else logging.DEBUG, "%s", msg, exc_info=traceback)


def answer_in_plain(head: bytes) -> bytes:
    """What a client gets that speaks plain HTTP: the same address by https where it can be told, else a sentence."""
    asked = _REQUEST.match(head)
    status = b"307 Temporary Redirect" if asked else b"400 Bad Request"
    where = b"Location: https://%s%s\r\n" % (asked[2], asked[1]) if asked else b""
    return (
        b"HTTP/1.1 %s\r\n%sContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
        % (status, where, len(_SENTENCE), _SENTENCE)
    )
