"""One question to one DNS server: UDP first, TCP when the answer is cut short, and never too many at a time."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

import dns.edns
import dns.rcode

from jobs.policy.redirects import printable
from jobs.preflight import stream
from jobs.preflight.message import CD, FORMERR, NOERROR, NOTIMP, NXDOMAIN, RD, TC, Answer, Malformed, parse, question
from jobs.preflight.sockets import NoAnswer, Peer, Sockets, peer
from jobs.preflight.wire import Server, Unusable

MOST_AT_ONCE = 128
"""Questions that one server has to deal with at a time; the next ones wait."""

_STREAMS, _STREAMS_OF_ONE = 64, 4
"""TCP connections at a time, to all servers together and to one, which must not keep the others from theirs."""

_SILENT = 8
"""After so many questions in a row without an answer a server has to show that it is there at all."""

_SIGN_OF_LIFE = 1.0
_LEFT_ALONE = 30.0
"""Seconds within which the sign must come; and for which a server is not asked that gave none."""

_PATIENCE = 6000.0
"""Seconds that all questions of a run together may wait in vain. A hundred wait at a time: that is a minute."""

_HURRIED = 1.0
"""Seconds that a server gets after that, so that a run with thousands of dead names comes to its end."""

_RECURSE, _ITERATE, _UNCHECKED = RD, 0, RD | CD


@dataclass(eq=False, slots=True)
class _Line:
    """The questions to one server: how many more it may get, who waits to be next, and what is known of it."""

    to: Peer
    free: int = MOST_AT_ONCE
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    edns: bool = True
    silent: int = 0
    left_alone_until: float = 0.0
    proving: asyncio.Lock = field(default_factory=asyncio.Lock)
    streams: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_STREAMS_OF_ONE))

    async def enter(self) -> None:
        """Wait for one's turn. Who was let in has to `leave`."""
        if self.free > 0:
            self.free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1


class Engine:
    """All questions of one run; lives in one event loop."""

    def __init__(self) -> None:
        self._sockets = Sockets()
        self._streams = asyncio.Semaphore(_STREAMS)
        self._lines: dict[Server, _Line] = {}
        self._in_vain = 0.0

    async def ask(
        self, server: Server, name: str, kind: str, wait: float, recurse: bool, unchecked: bool = False
    ) -> Answer:
        """The answer of `server`, with the code NOERROR or NXDOMAIN; without EDNS when it doesn't know that.

        `unchecked`: a resolver shall not mind signatures that don't hold. `wait` in seconds, for UDP and for TCP;
        less once the run has lost too much time. Raises Unusable for no answer, one that can't be read, and every
        other code.
        """
        flags = _UNCHECKED if unchecked else _RECURSE if recurse else _ITERATE
        asked = question(name, kind)
        line = self._line(server)
        await line.enter()
        try:
            if line.silent >= _SILENT:
                await self._prove(line, server, flags)
            if self._in_vain > _PATIENCE:
                wait = min(wait, _HURRIED)
            edns = line.edns
            answer = await self._heard(line, server, asked, flags, edns, wait)
            if answer.code in (FORMERR, NOTIMP) and edns:
                line.edns = False
                answer = await self._heard(line, server, asked, flags, False, wait)
        finally:
            line.leave()
        if answer.code in (NOERROR, NXDOMAIN):
            return answer
        raise Unusable(_refusal(server, answer), code=answer.code, extended_errors=answer.extended_errors)

    def _line(self, server: Server) -> _Line:
        line = self._lines.get(server)
        if line is None:
            try:
                line = self._lines[server] = _Line(peer(server.address, server.port))
            except (OSError, UnicodeError) as error:
                raise _unreachable(server, error) from error
        return line

    async def _prove(self, line: _Line, server: Server, flags: int) -> None:
        """Let a server that has been silent answer what every server can answer at once: who serves the root.

        A live resolver is silent for names whose servers are; only a dead one is silent to this. Raises Unusable.
        """
        async with line.proving:
            if line.silent < _SILENT:
                return
            if time.monotonic() >= line.left_alone_until:
                try:
                    await self._sockets.ask(line.to, question(".", "NS"), flags, line.edns, _SIGN_OF_LIFE)
                except (NoAnswer, OSError):
                    line.left_alone_until = time.monotonic() + _LEFT_ALONE
                else:
                    line.silent = 0
                    return
        raise Unusable(f"{server} didn't answer {line.silent} questions in a row", silent=True)

    async def _heard(
        self, line: _Line, server: Server, asked: bytes, flags: int, edns: bool, wait: float
    ) -> Answer:
        """What came, whatever its code. Raises Unusable."""
        try:
            wire, seconds = await self._sockets.ask(line.to, asked, flags, edns, wait)
        except NoAnswer as error:
            line.silent += 1
            self._in_vain += wait
            raise Unusable(f"{server} didn't answer within {wait:g} s", silent=True) from error
        except OSError as error:
            raise _unreachable(server, error) from error
        line.silent = 0
        try:
            if int.from_bytes(wire[2:4], "big") & TC:
                wire = await self._streamed(line, asked, flags, edns, wait)
            return parse(wire, asked, seconds)
        except NoAnswer as error:
            self._in_vain += wait
            raise Unusable(f"{server} sent no whole answer by TCP within {wait:g} s") from error
        except OSError as error:
            words = f"{server} has an answer too long for UDP, and by TCP: {error.strerror or error}"
            raise Unusable(words) from error
        except Malformed as error:
            raise unreadable(server, error) from error

    async def _streamed(self, line: _Line, asked: bytes, flags: int, edns: bool, wait: float) -> bytes:
        async with line.streams, self._streams:
            return await stream.ask(line.to, asked, flags, edns, wait)


def unreadable(server: Server, error: Malformed) -> Unusable:
    return Unusable(f"{server} sent an answer that can't be read: {error.detail}")


def _unreachable(server: Server, error: OSError | UnicodeError) -> Unusable:
    said = error.strerror if isinstance(error, OSError) else None
    return Unusable(f"{server} can't be reached: {said or error}", silent=True)


def _refusal(server: Server, answer: Answer) -> str:
    """`192.0.2.1 answered SERVFAIL (signature expired)`"""
    said = [
        dns.edns.EDECode(code).name.lower().replace("_", " ") if code in set(dns.edns.EDECode) else text
        for code, text in answer.extended_errors
    ]
    why = f" ({printable(', '.join(said), 200)})" if any(said) else ""
    return f"{server} answered {dns.rcode.to_text(dns.rcode.Rcode.make(answer.code))}{why}"
