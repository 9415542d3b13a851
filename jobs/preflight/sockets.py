"""Questions over UDP, thousands at a time, through a few sockets (RFC 5452).

Who wants to slip in an answer without seeing the question has to guess the socket's port, random and given up after
some hundred questions, and a random 16-bit number, and to forge the server's address; an answer also has to repeat the
question byte for byte. What does not fit is dropped unread. There are sockets and a timer only while a question waits
for its answer, so there is nothing to close.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from jobs.preflight.message import answers, query

_SOCKETS = 8
"""Of each address family at a time."""

_USES = 256
"""Questions through one socket, which then makes place for one with another port."""

_MOST_RETIRED = 64
"""Sockets without a future that still wait for an answer. Should there be as many, ports are kept for longer."""

_AT_ONCE = 64
"""Datagrams taken from one socket before everybody else has a turn."""

_LARGEST = 4096
"""Bytes of a datagram that are read; a larger one than was asked for ends up as an answer that can't be read."""

_BUFFER = 1 << 20
"""Bytes of answers that may wait in the kernel for this process, should the system allow as many."""

_TICK = 0.02
"""Seconds between two looks at what is overdue."""

_AGAIN = 0.4
"""The question is sent a second time after this part of the wait."""


class NoAnswer(Exception):
    """Nobody answered in time."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server as the kernel names it. `sockaddr` is what datagrams are sent to, its first two parts are what they
    have to come from."""

    family: socket.AddressFamily
    sockaddr: tuple[str, int] | tuple[str, int, int, int]

    @property
    def origin(self) -> tuple[str, int]:
        return self.sockaddr[0], self.sockaddr[1]


def peer(address: str, port: int) -> Peer:
    """Of a numeric address. Raises OSError."""
    family, _, _, _, sockaddr = socket.getaddrinfo(
        address, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    )[0]
    if isinstance(sockaddr[0], int):
        raise OSError(f"Python was built without IPv6, so {address} can't be asked")
    return Peer(family, sockaddr)


_Key = tuple[bytes, tuple[str, int]]


@dataclass(eq=False, slots=True)
class _Question:
    """One that waits for its answer, which becomes the result of `heard`, with the seconds that it took; None when the
    time is over."""

    via: _Socket
    key: _Key
    asked: bytes
    packet: bytes
    to: Peer
    heard: asyncio.Future[tuple[bytes, float] | None]
    sent: float
    ends: float


@dataclass(eq=False, slots=True)
class _Socket:
    socket: socket.socket
    uses: int = 0
    retired: bool = False
    waiting: dict[_Key, _Question] = field(default_factory=dict)


class Sockets:
    """The UDP sockets of one event loop."""

    def __init__(self) -> None:
        self._open: dict[socket.AddressFamily, list[_Socket]] = defaultdict(list)
        self._retired = 0
        self._waiting = 0
        self._due: dict[int, list[_Question]] = defaultdict(list)
        self._seen_tick = 0
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self, to: Peer, asked: bytes, flags: int, edns: bool, wait: float) -> tuple[bytes, float]:
        """The bytes of the answer, and how many seconds it took. Raises NoAnswer after `wait` seconds, and OSError
        when nothing can be sent there."""
        loop, now, random = asyncio.get_running_loop(), time.monotonic(), os.urandom(3)
        via = self._socket(loop, to.family, random[0] % _SOCKETS)
        key = (random[1:], to.origin)
        while key in via.waiting:
            key = (os.urandom(2), to.origin)
        packet = query(key[0], asked, flags, edns)
        waiting = _Question(via, key, asked, packet, to, loop.create_future(), now, now + wait)
        via.waiting[key] = waiting
        via.uses += 1
        self._waiting += 1
        try:
            self._send(waiting)
            self._watch(loop, waiting, now + wait * _AGAIN)
            heard = await waiting.heard
        finally:
            del via.waiting[key]
            self._waiting -= 1
            self._tidy(loop, via)
        if heard is None:
            raise NoAnswer
        return heard

    def _socket(self, loop: asyncio.AbstractEventLoop, family: socket.AddressFamily, place: int) -> _Socket:
        """The one at `place`, which is random; for it a new one may have to be made. Raises OSError."""
        choices = self._open[family]
        if place < len(choices) and (choices[place].uses < _USES or self._retired >= _MOST_RETIRED):
            return choices[place]
        made = _Socket(_bound(family))
        loop.add_reader(made.socket, self._read, made)
        if place < len(choices):
            self._retire(loop, choices[place])
            choices[place] = made
        else:
            choices.append(made)
        return made

    def _retire(self, loop: asyncio.AbstractEventLoop, old: _Socket) -> None:
        if old.waiting:
            old.retired = True
            self._retired += 1
        else:
            _close(loop, [old])

    def _tidy(self, loop: asyncio.AbstractEventLoop, via: _Socket) -> None:
        """Close what nobody needs any more: a socket that made place, and everything once nobody waits."""
        if via.retired and not via.waiting:
            self._retired -= 1
            _close(loop, [via])
        if self._waiting == 0:
            for choices in self._open.values():
                _close(loop, choices)
            self._open.clear()
            self._due.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    @staticmethod
    def _send(waiting: _Question) -> None:
        try:
            waiting.via.socket.sendto(waiting.packet, waiting.to.sockaddr)
        except (BlockingIOError, InterruptedError):
            return  # as good as lost on the way: it is sent a second time

    def _read(self, via: _Socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                wire, origin = via.socket.recvfrom(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # the kernel's word about a former datagram
            waiting = via.waiting.get((wire[:2], origin[:2]))
            if waiting is not None and not waiting.heard.done() and answers(wire, waiting.asked):
                waiting.heard.set_result((wire, time.monotonic() - waiting.sent))

    # --- time: one timer for all questions, which are kept in buckets by the tick in which they are due

    def _watch(self, loop: asyncio.AbstractEventLoop, waiting: _Question, due: float) -> None:
        tick = int(due / _TICK) + 1
        if self._timer is None:
            self._seen_tick = int(time.monotonic() / _TICK)
            self._timer = loop.call_later(_TICK, self._look, loop)
        self._due[max(tick, self._seen_tick + 1)].append(waiting)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        self._timer = loop.call_later(_TICK, self._look, loop)
        while self._seen_tick < int(now / _TICK):
            self._seen_tick += 1
            for waiting in self._due.pop(self._seen_tick, ()):
                self._overdue(loop, waiting, now)

    def _overdue(self, loop: asyncio.AbstractEventLoop, waiting: _Question, now: float) -> None:
        if waiting.heard.done():
            return
        if now >= waiting.ends:
            waiting.heard.set_result(None)
            return
        with contextlib.suppress(OSError):  # the first one did get away, and may be answered still
            self._send(waiting)
        self._watch(loop, waiting, waiting.ends)


def _bound(family: socket.AddressFamily) -> socket.socket:
    """A socket with a random port of the kernel's choice. Raises OSError."""
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        made.bind(("", 0))
    except OSError:
        made.close()
        raise
    return made


def _close(loop: asyncio.AbstractEventLoop, sockets: Iterable[_Socket]) -> None:
    for each in sockets:
        loop.remove_reader(each.socket)
        each.socket.close()
