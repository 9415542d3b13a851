"""What DNS says about a name: asked at the servers that are responsible for it, each question once a run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dns.exception
import dns.flags
import dns.resolver

from jobs.policy.failure import Failure
from jobs.policy.redirects import AddressKind, address_kind
from jobs.policy.verdict import Finding
from jobs.preflight.wire import LONGEST_CHAIN, Reply, Server, Status, Unusable, exchange, read, zone_above

_MOST_SERVERS = 4
_STRIKES = 2
_SILENT_SERVERS = 6
"""So many silent authoritative servers, and none that answered: this host can't reach them, nobody is asked more."""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer for a name after all its CNAMEs. `trail` are the names on the way, `owner` is the last one."""

    status: Status
    owner: str
    values: tuple[Any, ...] = ()
    trail: tuple[str, ...] = ()
    detail: str = ""
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Zone:
    apex: str
    servers: tuple[Server, ...]


class Lookup:
    """DNS of one run; lives in one event loop.

    `resolvers` are asked directly; with `authoritative`, they only lead to the servers of each zone, which are asked
    instead (at `port`). Every question is asked once: who asks the same again waits for the first answer.
    """

    def __init__(self, resolvers: Sequence[Server], authoritative: bool, timeout: float, port: int = 53) -> None:
        self._resolvers = tuple(resolvers)
        self._authoritative = authoritative
        self._timeout = timeout
        self._port = port
        self._tasks: dict[tuple[str, ...], asyncio.Task[Any]] = {}
        self._strikes: Counter[Server] = Counter()
        self._answered = False

    async def ask(self, name: str, kind: str) -> Found:
        """The records of `kind` ("A", "AAAA", "CAA") of `name`, CNAMEs followed. Never raises for what DNS says."""
        trail: list[str] = []
        warnings: list[Finding] = []
        at = name
        while True:
            reply, said = await self._once(("step", at, kind), partial(self._step, at, kind))
            warnings += said
            trail += reply.trail
            if reply.target is None:
                break
            at = reply.target
            if at in (name, *trail[:-1]) or len(trail) > LONGEST_CHAIN:
                reply = Reply(Status.LOOP, at)
                break
        if reply.status is Status.SERVFAIL and kind != "CNAME" and (circle := await self._circle(name)):
            return Found(Status.LOOP, circle[-1], trail=circle)
        said_once = tuple(dict.fromkeys(warnings))
        return Found(reply.status, reply.owner, reply.values, tuple(trail), reply.detail, said_once)

    async def _circle(self, name: str) -> tuple[str, ...]:
        """The CNAMEs that lead from `name` back to where they were: servers call that SERVFAIL. Else empty."""
        trail = [name]
        while len(trail) <= LONGEST_CHAIN:
            reply, _ = await self._once(("step", trail[-1], "CNAME"), partial(self._step, trail[-1], "CNAME"))
            if reply.status is not Status.FOUND:
                return ()
            trail.append(reply.values[0].target.to_text(omit_final_dot=True).lower())
            if trail[-1] in trail[:-1]:
                break
        return tuple(trail[1:])

    async def _step(self, name: str, kind: str) -> tuple[Reply, list[Finding]]:
        if not self._authoritative or self._cut_off():
            return await self._recursive(name, kind), []
        zone = await self._zone(name)
        if zone is None:
            return await self._recursive(name, kind), []
        reply, why = await self._at_zone(zone, name, kind)
        if reply is not None:
            return reply, []
        words = f"the servers of {zone.apex} gave this host no answer ({why}); its resolver was asked instead"
        return await self._recursive(name, kind), [Finding("dns_servers_unreachable", words)]

    async def _recursive(self, name: str, kind: str) -> Reply:
        reply: Reply = await self._once(("resolver", name, kind), partial(self._ask_resolvers, name, kind))
        return reply

    async def _ask_resolvers(self, name: str, kind: str) -> Reply:
        try:
            return read(await self._message(name, kind), name, kind)
        except Unusable as trouble:
            status = Status.TIMEOUT if trouble.silent else Status.SERVFAIL
            return Reply(status, name, detail=trouble.detail)

    async def _message(self, name: str, kind: str) -> Any:
        """The first usable answer of the resolvers, each tried twice. Raises Unusable."""
        trouble = Unusable("no resolver is configured", silent=True)
        for server in self._resolvers * 2:
            try:
                return await exchange(server, name, kind, self._timeout / 2, recurse=True)
            except Unusable as error:
                trouble = error if not error.silent or trouble.silent else trouble
        raise trouble

    async def _at_zone(self, zone: _Zone, name: str, kind: str) -> tuple[Reply | None, str]:
        """Ask the zone's own servers; None and the reason when none of them gave an authoritative answer."""
        why = "none has an address"
        for server in zone.servers * 2:
            if self._strikes[server] >= _STRIKES:
                why = f"{server} didn't answer before"
                continue
            try:
                message = await exchange(server, name, kind, min(2.5, self._timeout / 4), recurse=False)
            except Unusable as trouble:
                why = trouble.detail
                self._strikes[server] += trouble.silent
                continue
            self._answered = True
            del self._strikes[server]
            if message.flags & dns.flags.AA:
                return read(message, name, kind, hops=1), ""
            why = f"{server} is not responsible for it"
        return None, why

    def _cut_off(self) -> bool:
        return not self._answered and sum(strikes > 0 for strikes in self._strikes.values()) >= _SILENT_SERVERS

    async def _zone(self, name: str) -> _Zone | None:
        """The zone that holds `name`, with its servers; None when the resolver can't tell."""
        at = name
        while at and at != ".":
            apex = await self._once(("apex", at), partial(self._apex, at))
            if apex == ".":
                return None
            if apex is not None:
                zone: _Zone = await self._once(("zone", apex), partial(self._servers, apex))
                return zone
            at = at.partition(".")[2]
        return None

    async def _apex(self, name: str) -> str | None:
        try:
            return zone_above(await self._message(name, "SOA"), name)
        except Unusable:
            return None

    async def _servers(self, apex: str) -> _Zone:
        names = await self._recursive(apex, "NS")
        hosts = sorted({value.target.to_text(omit_final_dot=True).lower() for value in names.values})[:_MOST_SERVERS]
        found = await asyncio.gather(*(self._recursive(host, kind) for kind in ("A", "AAAA") for host in hosts))
        addresses = dict.fromkeys(value.address for reply in found for value in reply.values)
        usable = [address for address in addresses if address_kind(address) is not AddressKind.UNUSABLE]
        return _Zone(apex, tuple(Server(address, self._port) for address in usable[:_MOST_SERVERS]))

    async def _once(self, key: tuple[str, ...], make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(make())
        waiting: Awaitable[Any] = asyncio.shield(task)
        return await waiting


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
