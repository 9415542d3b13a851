"""What the resolvers of this host say, each question once a run; and whether it is a signature that makes them fail."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from jobs.preflight.engine import Engine, unreadable
from jobs.preflight.message import SERVFAIL, Answer, Malformed
from jobs.preflight.once import Once
from jobs.preflight.wire import Reply, Server, Status, Unusable, read

_BOGUS = range(6, 13)
"""Extended errors of a signature that doesn't hold, or is missing (RFC 8914 sections 4.7 to 4.13)."""


class Recursion:
    """The resolvers, in their order. `timeout` in seconds, for one question to all of them."""

    def __init__(self, engine: Engine, once: Once, servers: Sequence[Server], timeout: float) -> None:
        self._engine = engine
        self._once = once
        self._servers = tuple(servers)
        self._timeout = timeout

    async def reply(self, name: str, kind: str) -> Reply:
        """The records of `kind` of `name` at the end of all its CNAMEs. Never raises for what DNS says."""
        reply: Reply = await self._once(("resolver", name, kind), partial(self._reply, name, kind))
        return reply

    async def message(self, name: str, kind: str, unchecked: bool = False) -> Answer:
        """The first usable answer of the resolvers, each tried twice. Raises Unusable."""
        _, answer = await self._first(name, kind, unchecked)
        return answer

    async def _first(self, name: str, kind: str, unchecked: bool = False) -> tuple[Server, Answer]:
        trouble = Unusable("no resolver is configured", silent=True)
        for server in self._servers * 2:
            try:
                return server, await self._engine.ask(server, name, kind, self._timeout / 2, True, unchecked)
            except Unusable as error:
                trouble = error if not error.silent or trouble.silent else trouble
        raise trouble

    async def _reply(self, name: str, kind: str) -> Reply:
        try:
            return await self._read(name, kind)
        except Unusable as trouble:
            if trouble.silent:
                return Reply(Status.TIMEOUT, name, detail=trouble.detail)
            failed = Reply(Status.SERVFAIL, name, detail=trouble.detail)
            if trouble.code != SERVFAIL:
                return failed
            if any(error.code in _BOGUS for error in trouble.extended_errors):
                return Reply(Status.SERVFAIL, name, detail=trouble.detail, bogus=True)
        if not await self._only_unchecked(name, kind):
            return failed
        try:
            return await self._read(name, kind)
        except Unusable:
            words = f"{failed.detail}, but finds one when it need not check the zone's DNSSEC signatures"
            return Reply(Status.SERVFAIL, name, detail=words, bogus=True)

    async def _read(self, name: str, kind: str) -> Reply:
        server, answer = await self._first(name, kind)
        try:
            return read(answer, name, kind)
        except Malformed as error:
            raise unreadable(server, error) from error

    async def _only_unchecked(self, name: str, kind: str) -> bool:
        """Whether the resolvers answer when they need not check signatures, for a name that is signed or ought to be.

        Else they may just have had no answer the first time.
        """
        try:
            await self.message(name, kind, unchecked=True)
        except Unusable:
            return False
        labels = name.split(".")
        above = [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
        for at in above:
            for signs in ("DS", "DNSKEY"):
                if await self._once(("signed", at, signs), partial(self._stands, at, signs)):
                    return True
        return False

    async def _stands(self, name: str, kind: str) -> bool:
        try:
            return read(await self.message(name, kind, unchecked=True), name, kind, hops=1).status is Status.FOUND
        except Unusable:
            return False
