"""Which zone holds a name, which servers serve it, and what is wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from jobs.policy.finding import Finding
from jobs.policy.redirects import AddressKind, address_kind
from jobs.preflight.engine import Engine, unreadable
from jobs.preflight.message import NOTAUTH, REFUSED, Malformed
from jobs.preflight.once import Once
from jobs.preflight.recursion import Recursion
from jobs.preflight.wire import Referral, Reply, Server, Status, Unusable, read, referral, zone_above

_USUAL_SERVERS = 4
"""Asked for the names of a zone: one is enough, and more than a few are none better."""

_ALL_SERVERS = 64
"""More than any zone has; who lists more is not believed."""

_SILENT_SERVERS = 6
"""So many silent servers, and none that answered: this host can't reach them, nobody is asked more."""

_SLOW = 1.0
"""Seconds. Some resolvers of CAs wait no longer before they ask the next server."""


@dataclass(frozen=True, slots=True)
class Zone:
    """`servers` answered for it, the quickest one first; `why` says why there are none. `disagree`: their serial
    numbers differ. `lame`: all of them answered that they don't serve it."""

    apex: str
    servers: tuple[Server, ...] = ()
    findings: tuple[Finding, ...] = ()
    disagree: bool = False
    lame: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Probe:
    """How one server answered for the apex; `trouble` None: as it should. `lame`: the trouble is that it says that it
    doesn't serve the zone."""

    server: Server
    serial: int = 0
    seconds: float = 0.0
    trouble: Unusable | None = None
    lame: bool = False


class Authority:
    """Zones and their servers, each found once a run. Servers are asked at `port`."""

    def __init__(self, engine: Engine, once: Once, recursion: Recursion, wait: float, port: int) -> None:
        self._engine = engine
        self._once = once
        self._recursion = recursion
        self._wait = wait
        self._port = port
        self._silent: dict[bool, set[Server]] = {True: set(), False: set()}
        self._answered: dict[bool, bool] = {True: False, False: False}

    def cut_off(self) -> bool:
        """Whether no server can be reached from here."""
        return not any(self._answered.values()) and sum(map(len, self._silent.values())) >= _SILENT_SERVERS

    async def apex(self, name: str) -> str:
        """The apex of the zone that holds `name`, as the resolvers tell it. Raises Unusable."""
        at = name
        while at != ".":
            found = await self._once(("apex", at), partial(self._apex, at))
            if isinstance(found, Unusable):
                raise found.with_traceback(None)  # it is kept, and raised again for every name
            if found is not None:
                return str(found)
            at = at.partition(".")[2] or "."
        return at

    async def servers(self, apex: str, most: int = _ALL_SERVERS) -> tuple[Server, ...]:
        """All addresses of the zone's servers, IPv4 before IPv6. Raises Unusable."""
        listed = await self._recursion.reply(apex, "NS")
        if listed.status in (Status.SERVFAIL, Status.TIMEOUT):
            raise Unusable(f"the servers of {apex} can't be found: {listed.detail}", listed.status is Status.TIMEOUT)
        return await self._addresses(sorted(value.target for value in listed.values), (), most)

    async def zone(self, apex: str) -> Zone:
        """The zone with the servers that are asked for its names. Raises nothing."""
        zone: Zone = await self._once(("zone", apex), partial(self._zone, apex))
        return zone

    async def above(self, name: str) -> Zone | None:
        """The zone at whose servers the way to `name` begins; None when the resolvers can't tell, or it is the root.

        That is the zone of its parent: then siblings take one question to the resolvers, and not one each. When the
        parent is in the zone of a registry, or in one that is broken, the name's own zone.
        """
        parent = name.partition(".")[2]
        for at in (parent, name) if "." in parent else (name,):
            found: Zone | Unusable | None = await self._once(("start", at), partial(self._start, at))
            if not isinstance(found, Unusable):
                return found
        return None

    async def delegated(self, name: str) -> Zone | None:
        """For a name that the resolvers can't look up: the zone that the servers of the next working zone above send
        to for it; None if they don't."""
        at = name.partition(".")[2]
        while at and not self.cut_off():
            try:
                apex = await self.apex(at)
            except Unusable:
                at = at.partition(".")[2]
                continue
            if apex == ".":
                return None
            way: Referral | None = await self._once(("sent on", name), partial(self._sent_on, apex, name))
            if way is None:
                return None
            zone: Zone = await self._once(("delegated", way.apex), partial(self._at_referral, way))
            return zone
        return None

    async def _sent_on(self, apex: str, name: str) -> Referral | None:
        """Where the first server of the zone that answers sends who asks for `name`."""
        zone = await self.zone(apex)
        for server in zone.servers:
            try:
                return referral(await self._engine.ask(server, name, "NS", self._wait, False), name, zone.apex)
            except Unusable:
                continue
        return None

    async def _start(self, name: str) -> Zone | Unusable | None:
        """The zone of `name`, whose apex most often is `name` itself: so its servers are asked for at the same time."""
        try:
            apex, _ = await asyncio.gather(self.apex(name), self._recursion.reply(name, "NS"))
        except Unusable as trouble:
            return trouble.with_traceback(None)
        return None if apex == "." else await self.zone(apex)

    async def _apex(self, name: str) -> str | Unusable | None:
        try:
            return zone_above(await self._recursion.message(name, "SOA"), name)
        except Unusable as trouble:
            return trouble.with_traceback(None)

    async def _zone(self, apex: str) -> Zone:
        try:
            servers = await self.servers(apex, _USUAL_SERVERS)
        except Unusable as trouble:
            return Zone(apex, why=trouble.detail)
        return await self._probed(apex, servers)

    async def _at_referral(self, way: Referral) -> Zone:
        return await self._probed(way.apex, await self._addresses(way.hosts, way.glue, _USUAL_SERVERS))

    async def _addresses(self, hosts: Sequence[str], glue: Iterable[str], most: int) -> tuple[Server, ...]:
        """The servers at the addresses of `glue` and of at most `most` of `hosts`; at most so many as well, so that
        who lists thousands of names has nobody else asked for them."""
        asked = [self._recursion.reply(host, kind) for kind in ("A", "AAAA") for host in hosts[:most]]
        found: list[Reply] = await asyncio.gather(*asked)
        addresses = dict.fromkeys([*glue, *(value.address for reply in found for value in reply.values)])
        return tuple(Server(address, self._port) for address in filter(_usable, addresses))[:most]

    async def _probed(self, apex: str, servers: Sequence[Server]) -> Zone:
        """Ask every one of the servers for the zone's SOA: once a zone, so that its names needn't find out."""
        within_reach = [server for server in servers if not self._unreachable(":" in server.address)]
        probes = await asyncio.gather(*(self._probe(apex, server) for server in within_reach or servers))
        good = sorted((probe for probe in probes if not probe.trouble), key=lambda probe: probe.seconds)
        bad = [(probe.server, probe.trouble) for probe in probes if probe.trouble]
        why = "; ".join(trouble.detail for _, trouble in bad) or "none of them has an address"
        if not good:
            return Zone(apex, lame=bool(probes) and all(probe.lame for probe in probes), why=why)
        findings = [
            Finding("dns_server_slow", f"{one.server}, a server of {apex}, took {one.seconds:.1f} s to answer")
            for one in good if one.seconds > _SLOW
        ]
        for server, trouble in bad:
            if not trouble.silent:
                findings.append(Finding("dns_server_lame", f"one of the servers of {apex}: {trouble.detail}"))
            elif self._answered[":" in server.address]:
                findings.append(Finding("dns_server_silent", f"one of the servers of {apex}: {trouble.detail}"))
        disagree = len({probe.serial for probe in good}) > 1
        return Zone(apex, tuple(probe.server for probe in good), tuple(findings), disagree)

    async def _probe(self, apex: str, server: Server) -> _Probe:
        ipv6 = ":" in server.address
        try:
            answer = await self._engine.ask(server, apex, "SOA", self._wait, False)
        except Unusable as trouble:
            if trouble.silent:
                self._silent[ipv6].add(server)
            else:
                self._answered[ipv6] = True
            return _Probe(server, trouble=trouble, lame=trouble.code in (REFUSED, NOTAUTH))
        self._answered[ipv6] = True
        try:
            values = read(answer, apex, "SOA", hops=1).values
        except Malformed as error:
            return _Probe(server, trouble=unreadable(server, error))
        if not answer.authoritative or not values:
            trouble = Unusable(f"{server} answers, but is not responsible for {apex}")
            return _Probe(server, trouble=trouble, lame=True)
        return _Probe(server, values[0].serial, answer.seconds)

    def _unreachable(self, ipv6: bool) -> bool:
        """Whether a whole address family leads nowhere from here: that is this host's fault, and no zone's."""
        return not self._answered[ipv6] and len(self._silent[ipv6]) >= _SILENT_SERVERS


@lru_cache(4096)
def _usable(address: str) -> bool:
    return address_kind(address) is not AddressKind.UNUSABLE
