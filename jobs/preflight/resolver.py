"""What DNS says about a name: asked at the servers that are responsible for it, each question once a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import dns.exception
import dns.resolver

from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.redirects import address_kind, printable
from jobs.preflight.authority import Authority, Zone
from jobs.preflight.engine import Engine, unreadable
from jobs.preflight.message import Malformed
from jobs.preflight.once import Once
from jobs.preflight.recursion import Recursion
from jobs.preflight.wire import LONGEST_CHAIN, Referral, Reply, Server, Status, Unusable, read, referral

_LONGEST_WAIT = 2.5
"""Seconds that one server of a zone gets for one question."""

_MOST_KEPT = 64 << 20
"""Bytes of answers kept of one run, some 60,000 of the usual ones; the older half is forgotten then."""

_ROOM, _ROOM_OF_VALUES = 600, 8
"""Bytes that a result takes, and for each byte of the message of which it holds the values."""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer for a name after all its CNAMEs. `trail` are the names on the way, `owner` is the last one.

    `bogus` and `lame` tell why it is SERVFAIL: DNSSEC signatures that don't hold; servers that are named for the zone
    and don't serve it.
    """

    status: Status
    owner: str
    values: tuple[Any, ...] = ()
    trail: tuple[str, ...] = ()
    detail: str = ""
    warnings: tuple[Finding, ...] = ()
    bogus: bool = False
    lame: bool = False


class Lookup:
    """DNS of one run; lives in one event loop, and holds sockets only while a question waits for its answer.

    `resolvers` are asked directly; with `authoritative`, they only lead to the servers of each zone, which are asked
    instead (at `port`). Every question is asked once: who asks the same again waits for the first answer.
    """

    def __init__(self, resolvers: Sequence[Server], authoritative: bool, timeout: float, port: int = 53) -> None:
        self._authoritative = authoritative
        self._made_of = (resolvers, timeout, port)
        self._wait = min(_LONGEST_WAIT, timeout / 4)
        self._engine = Engine()
        self._once = Once(_MOST_KEPT, _size)
        self._recursion = Recursion(self._engine, self._once, resolvers, timeout)
        self._authority = Authority(self._engine, self._once, self._recursion, self._wait, port)

    def afresh(self) -> Lookup:
        """One that has asked nothing yet, and asks each zone's own servers: what a resolver remembers may be old."""
        resolvers, timeout, port = self._made_of
        return Lookup(resolvers, True, timeout, port)

    async def ask(self, name: str, kind: str) -> Found:
        """The records of `kind` ("A", "AAAA", "CAA") of `name`, CNAMEs followed. Never raises for what DNS says."""
        trail: list[str] = []
        remarks: list[Finding] = []
        at = name
        while True:
            reply = await self._answer(at, kind)
            remarks += reply.remarks
            trail += reply.trail
            if reply.target is None:
                break
            at = reply.target
            if at in (name, *trail[:-1]) or len(trail) > LONGEST_CHAIN:
                reply = Reply(Status.LOOP, at)
                break
        if reply.status is Status.SERVFAIL and not reply.bogus:
            if circle := await self._circle(name):
                return Found(Status.LOOP, circle[-1], trail=circle)
            reply = await self._explained(reply, at)
        said_once = tuple(dict.fromkeys(remarks))
        return Found(
            reply.status, reply.owner, reply.values, tuple(trail), reply.detail, said_once, reply.bogus, reply.lame
        )

    async def authorities(self, name: str) -> tuple[str, tuple[Server, ...]]:
        """The apex of the zone that holds `name`, and every address of all its servers. Raises Unusable."""
        apex = await self._authority.apex(name)
        return apex, await self._authority.servers(apex)

    async def exchange(self, server: Server, name: str, kind: str) -> Reply:
        """What one server of the zone itself says now, at the first CNAME at the latest; not kept, asked anew each
        time. Raises Unusable for no answer, and for one by a server that isn't responsible for `name`."""
        answer = await self._engine.ask(server, name, kind, self._wait, recurse=False)
        if not answer.authoritative:
            raise Unusable(f"{server} answers, but is not responsible for {name}")
        try:
            return read(answer, name, kind, hops=1)
        except Malformed as error:
            raise unreadable(server, error) from error

    async def _circle(self, name: str) -> tuple[str, ...]:
        """The CNAMEs that lead from `name` back to where they were: servers call that SERVFAIL. Else empty."""
        trail = [name]
        while len(trail) <= LONGEST_CHAIN:
            reply = await self._answer(trail[-1], "CNAME")
            if reply.status is not Status.FOUND:
                return ()
            trail.append(reply.values[0].target)
            if trail[-1] in trail[:-1]:
                break
        return tuple(trail[1:])

    async def _answer(self, name: str, kind: str) -> Reply:
        """The answer up to the first CNAME that leads out of it, with what is odd about the servers."""
        if not self._authoritative or self._authority.cut_off():
            return await self._recursion.reply(name, kind)
        reply: Reply = await self._once((name, kind), partial(self._at_servers, name, kind))
        return reply

    async def _at_servers(self, name: str, kind: str) -> Reply:
        zone = await self._authority.above(name)
        if zone is None:
            return await self._recursion.reply(name, kind)
        told = await self._at_zone(zone, name, kind)
        if isinstance(told, Referral):
            try:
                zone = await self._authority.zone(await self._authority.apex(told.apex))
            except Unusable:
                return await self._recursion.reply(name, kind)
            told = await self._at_zone(zone, name, kind)
        if isinstance(told, Reply):
            odd = (*zone.findings, *await self._disagreement(zone, told, name, kind))
            return replace(told, remarks=odd) if odd else told
        why = told if isinstance(told, str) else f"they send on to the servers of {told.apex}"
        reply = await self._recursion.reply(name, kind)
        words = f"the servers of {zone.apex} gave this host no answer ({why}); its resolver was asked instead"
        return replace(reply, remarks=(Finding("dns_servers_unreachable", words),))

    async def _at_zone(self, zone: Zone, name: str, kind: str) -> Reply | Referral | str:
        """What the zone's own servers say; why none of them gave an answer of its own, in words."""
        why = zone.why
        for server in zone.servers:
            try:
                answer = await self._engine.ask(server, name, kind, self._wait, recurse=False)
                if answer.authoritative:
                    return read(answer, name, kind, hops=1)
                if sent_on := referral(answer, name, zone.apex):
                    return sent_on
                why = f"{server} is not responsible for it"
            except Malformed as trouble:
                why = unreadable(server, trouble).detail
            except Unusable as trouble:
                why = trouble.detail
        return why

    async def _disagreement(self, zone: Zone, reply: Reply, name: str, kind: str) -> tuple[Finding, ...]:
        """Where the servers have different versions of the zone: whether that makes a difference for this question."""
        if not zone.disagree:
            return ()
        said: dict[str, list[str]] = {}
        for server in zone.servers:
            try:
                words = _in_words(await self.exchange(server, name, kind))
            except Unusable:
                continue
            said.setdefault(words, []).append(str(server))
        if len(said) < 2:
            return ()
        each = "; ".join(f"{', '.join(who)}: {words}" for words, who in said.items())
        text = f"{name}: the servers of {zone.apex} give different answers when asked for {kind}: {each}"
        return (Finding("dns_servers_disagree", text),)

    async def _explained(self, failure: Reply, name: str) -> Reply:
        """A failure of the resolvers to look up `name`, with the reason that the zone's own servers give for it."""
        zone = await self._authority.delegated(name)
        if zone is None or zone.servers:
            return failure
        words = f"{failure.detail}; the servers that are named for {zone.apex}: {zone.why}"
        return replace(failure, detail=words, lame=zone.lame)


def _size(result: object) -> int:
    return _ROOM + (_ROOM_OF_VALUES * result.size if isinstance(result, Reply) else 0)


def _in_words(reply: Reply) -> str:
    values = sorted(map(str, reply.values)) or [reply.target or str(reply.status)]
    return printable(", ".join(values), 200)


def lookup_by(resolvers: Sequence[str], timeout: float) -> Lookup:
    """Where nobody configured resolvers, the host's own lead to the servers of each zone, and those are asked.
    Resolvers that were configured (`dns.resolvers`) are asked themselves, and nobody else.

    Raises Failure("config_invalid"), Failure("dns_no_resolver").
    """
    return Lookup(servers(resolvers) or system_servers(), authoritative=not resolvers, timeout=timeout)


def servers(texts: Sequence[str]) -> tuple[Server, ...]:
    """Read resolvers as they stand in the configuration: "192.0.2.1", "127.0.0.1:5353", "[::1]:53", "::1".

    Raises Failure("config_invalid").
    """
    return tuple(_server(text) for text in texts)


def system_servers() -> tuple[Server, ...]:
    """The resolvers of /etc/resolv.conf. Raises Failure("dns_no_resolver")."""
    try:
        found = dns.resolver.Resolver(configure=True)
    except dns.exception.DNSException as error:
        words = "/etc/resolv.conf: expected a nameserver, found none; name one there or in config.toml (dns.resolvers)"
        raise Failure("dns_no_resolver", words) from error
    return tuple(Server(str(address), found.port) for address in found.nameservers)


def _server(text: str) -> Server:
    host, port = text.strip(), "53"
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        port = (rest.removeprefix(":") or "53") if bracket else ""
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    try:
        address_kind(host)
        number = int(port)
    except ValueError:
        number = 0
    if not 1 <= number <= 65535:
        raise Failure(
            "config_invalid",
            f"dns.resolvers: expected an address such as 192.0.2.1, 127.0.0.1:5353 or [::1]:53, got {text!r}",
            permanent=True,
        )
    return Server(host, number)
