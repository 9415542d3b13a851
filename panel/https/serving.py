"""The server itself: one selector for all that wait, a few threads for the steps that can be done.

Of `cheroot` it takes the reading of a request's bytes, WSGI and the threads; who waits for what, and for how long, is
decided here, so that no client, however slow, silent or many, keeps a thread or another client waiting.
"""

from __future__ import annotations

import errno
import logging
import os
import resource
import selectors
import socket
import time
from typing import Any

from cheroot.connections import ConnectionManager
from cheroot.wsgi import Server

from panel.https.arriving import LARGEST_BODY, LARGEST_HEAD
from panel.https.certificates import Certificates
from panel.https.connections import Connection, LateHandshake
from panel.https.crowd import Crowd, NoRoom
from panel.https.sockets import BACKLOG

log = logging.getLogger("autossl.panel")

THREADS = 16
MOST_CONNECTIONS = 400
"""Of all servers of a process, where it may have so many descriptors twice over; else half of those that it may have:
the work on certificates needs some too, and strangers must not take them away."""
LAST_ANSWERS = 30.0
"""Seconds that a server which is stopped gives to answers that are under way."""
KERNEL_BUFFER = 128 * 1024
"""Bytes that the kernel keeps in each direction of a connection (it doubles them); by itself it grows to megabytes, for
clients that take nothing as well."""
ACCEPTED_AT_ONCE = 64
"""New connections that are taken in before those that are there have their turn again."""

_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_TOLD_AGAIN = 60.0
_PAUSE = 0.1
"""Seconds until the next try where the system has no room for a new connection."""


def most_connections() -> int:
    """How many may be open at a time."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, soft // 2)


class Waiting(ConnectionManager):
    """The connections that wait, each for what it has to wait for and no longer than it may. Only the thread that runs
    it takes one out again."""

    def __init__(self, server: PanelServer) -> None:
        super().__init__(server)
        self._alarm = os.eventfd(0, os.EFD_CLOEXEC)
        self._selector.register(self._alarm, selectors.EVENT_READ, data=self)
        self._deaf_until: float | None = None
        """Until when nobody who knocks is heard, so that those who are there have their turn."""

    def stop(self) -> None:
        self._stop_requested = True
        os.eventfd_write(self._alarm, 1)
        super().stop()

    def put(self, conn: Connection) -> None:
        try:
            self._selector.register(conn.socket.fileno(), conn.events, data=conn)
        except ValueError:  # the selector is closed: the server has ended meanwhile
            conn.close()
        else:
            conn.waits = True

    def _run(self, expiration_interval: float) -> None:
        looked = time.monotonic()
        while not self._stop_requested:
            if self._deaf_until is not None and time.monotonic() >= self._deaf_until:
                self._hear_again()
            for _, conn in self._selector.select(expiration_interval if self._deaf_until is None else _PAUSE):
                if conn is self.server:
                    self._take_in()
                elif conn is not self and conn.waits:  # else it gave up its place in this round, or comes in the next
                    self._take_out(conn)
                    self.server.process_conn(conn)
            if time.monotonic() - looked > expiration_interval:
                looked = time.monotonic()
                self._expire(looked)

    def _expire(self, threshold: float) -> None:
        """Let those whose time was over by `threshold` make their last step."""
        for conn in self._members():
            if conn.waits and conn.deadline < threshold:
                self._take_out(conn)
                self.server.process_conn(conn)

    def _take_in(self) -> None:
        """Those who knock, and not one only: else many who are at work would keep newcomers out."""
        try:
            for _ in range(ACCEPTED_AT_ONCE):
                conn = self._from_server_socket(self.server.socket)
                if conn is None:
                    return
                self._enter(conn)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self.server.tell_no_room(error)
            self._end(self.server.crowd.oldest())
            self._selector.unregister(self.server.socket.fileno())
            self._deaf_until = time.monotonic() + _PAUSE

    def _hear_again(self) -> None:
        """Those who knocked meanwhile wait in the kernel's queue."""
        self._deaf_until = None
        self._selector.register(self.server.socket.fileno(), selectors.EVENT_READ, data=self.server)

    def _enter(self, conn: Connection) -> None:
        conn.remote_addr = conn.source = conn.remote_addr.removeprefix("::ffff:")  # IPv4 on a socket of both families
        try:
            self._end(self.server.crowd.enter(conn))
        except NoRoom:
            conn.close()
        else:
            self.put(conn)

    def _end(self, victim: Connection | None) -> None:
        """One that waits here is ended at once; one that another thread has is cut, and ends in that one's hands."""
        if victim is None:
            return
        if victim.server is self.server and victim.waits:
            self._take_out(victim)
            victim.close()
        else:
            victim.cut()

    def _take_out(self, conn: Connection) -> None:
        conn.waits = False
        self._selector.unregister(conn.socket.fileno())

    def close(self) -> None:
        """Answers that are under way still leave; whoever has not sent a whole request is not waited for."""
        for conn in self._members():
            if conn.answering():
                self.server.requests.put(conn)
            else:
                conn.close()
        self._selector.close()
        os.close(self._alarm)

    def _members(self) -> list[Connection]:
        return [conn for _, conn in self._selector.connections if isinstance(conn, Connection)]


class PanelServer(Server):
    """cheroot on a socket that listens already."""

    ConnectionClass = Connection
    keep_alive_conn_limit = None
    max_request_header_size = LARGEST_HEAD
    max_request_body_size = LARGEST_BODY

    def __init__(self, listening: socket.socket, app: Any, certificates: Certificates, crowd: Crowd) -> None:
        """`crowd`: shared by all servers of the process."""
        super().__init__(
            listening.getsockname()[:2], app, THREADS, server_name="autossl", shutdown_timeout=LAST_ANSWERS,
            request_queue_size=BACKLOG,
        )
        self.crowd = crowd
        self._listening = listening
        self._ends_at = float("inf")
        self._full_told = -_TOLD_AGAIN
        self.ssl_adapter = LateHandshake(certificates)

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:
        """Connections inherit the sizes of its buffers."""
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self._listening.setsockopt(socket.SOL_SOCKET, option, KERNEL_BUFFER)
        self.socket = self._listening
        return self._listening

    def prepare(self) -> None:
        super().prepare()
        self._connections.close()
        self.socket.settimeout(0)
        self._connections = Waiting(self)

    def put_conn(self, conn: Connection) -> None:
        if not self.ready:
            conn.finish(self._ends_at)
            conn.close()
        elif conn.more_to_do():
            self.process_conn(conn)
        else:
            self._connections.put(conn)

    def stop(self) -> None:
        self._ends_at = min(self._ends_at, time.monotonic() + LAST_ANSWERS)
        super().stop()

    def tell_no_room(self, error: OSError) -> None:
        """The system has no room for a further connection; said once a minute."""
        now = time.monotonic()
        if now - self._full_told > _TOLD_AGAIN:
            self._full_told = now
            log.error("taking a new connection: %s; the one that waited longest is given up", error.strerror)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        log.log(level if level >= logging.WARNING else logging.DEBUG, "%s", msg, exc_info=traceback)
