"""HTTPS connections to one CA, each kept open for the next request: one request takes a third of the time by that, and
nothing between it and the standard library takes the processor from the orders of a run.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from http.client import HTTPResponse, IncompleteRead

from jobs.providers.protocol.deadline import within
from jobs.providers.protocol.outward import Outward

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 15.0
HTTPS = 443
LARGEST_ANSWER = 1024 * 1024
MOST_KEPT = 32
"""Connections to one host that nobody uses."""


class NotConnected(OSError):
    """No request was sent: there is no connection to the host."""


class Connection:
    """One connection, to where `outward` lets it go only."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, outward: Outward, seconds: float) -> None:
        """Looked up first, so that nothing inside is knocked at; and looked at again once it is connected, because the
        name server may have changed its mind. Raises NotConnected, Failure("ca_not_acme")."""
        self._name = f"[{host}]" if ":" in host else host
        self._name += "" if port == HTTPS else f":{port}"
        try:
            outward.let_past(host, _addresses(host, port))
            sock = socket.create_connection((host, port), seconds)
        except (OSError, UnicodeError) as error:
            raise NotConnected(_why(error)) from error
        try:
            outward.connected(host, str(sock.getpeername()[0]))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock = context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float) -> HTTPResponse:
        """The answer up to its body, each piece of which comes in so many seconds. Head and body go in one piece: two
        would be two records, and as many calls. Raises OSError, HTTPException."""
        self._sock.settimeout(seconds)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._name}", *(f"{key}: {headers[key]}" for key in headers)]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self._sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + body)
        response = HTTPResponse(self._sock, method=method)
        response.begin()
        return response

    def dropped(self) -> bool:
        """Whether the other side has closed it, or says what nobody asked for."""
        looking = select.poll()
        looking.register(self._sock, select.POLLIN)
        return bool(looking.poll(0))

    def close(self) -> None:
        self._sock.close()


class Connections:
    """Of one CA. Safe from several threads: each has a connection for itself while it asks."""

    def __init__(self, context: ssl.SSLContext, outward: Outward) -> None:
        self._context = context
        self._outward = outward
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, int], deque[Connection]] = {}

    def ask(
        self, host: str, port: int, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> tuple[HTTPResponse, bytes]:
        """One request, whose answer is to be there in so many seconds; with the first LARGEST_ANSWER bytes of its body
        and one more. Raises NotConnected, OSError, HTTPException, Failure("ca_not_acme")."""
        with within(seconds):
            connection = self._taken(host, port, min(CONNECT_TIMEOUT, seconds))
            try:
                response = connection.ask(method, target, headers, body, min(READ_TIMEOUT, seconds))
                with response:
                    content = response.read(LARGEST_ANSWER + 1)
                    ended = response.isclosed()
                    if response.length and len(content) <= LARGEST_ANSWER:
                        raise IncompleteRead(content, response.length)
            except BaseException:
                connection.close()
                raise
        self._keep((host, port), connection, ended and not response.will_close)
        return response, content

    def _taken(self, host: str, port: int, seconds: float) -> Connection:
        """The one that was used last, because old ones are closed by the other side; or a new one."""
        while True:
            with self._lock:
                idle = self._idle.get((host, port))
                connection = idle.pop() if idle else None
            if connection is None:
                return Connection(host, port, self._context, self._outward, seconds)
            if not connection.dropped():
                return connection
            connection.close()

    def _keep(self, place: tuple[str, int], connection: Connection, usable: bool) -> None:
        with self._lock:
            idle = self._idle.setdefault(place, deque())
            if usable and len(idle) < MOST_KEPT:
                idle.append(connection)
                return
        connection.close()


def _addresses(host: str, port: int) -> Iterator[str]:
    """None for a name that can't be looked up: connecting says why."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    for entry in found:
        yield str(entry[4][0])


def _why(error: Exception) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"its address can't be found: {getattr(error, 'strerror', None) or error}"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return getattr(error, "strerror", None) or str(error)
