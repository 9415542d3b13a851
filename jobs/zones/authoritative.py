"""Whether every authoritative server of a zone shows a value, asked one by one (never a cache).

A CA asks any one of them, and from several places: each that answers must show it. From one that does not answer, or
does not serve the zone, the CA's resolver goes on to the next; so does this, and tells it, once another one is right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from jobs.policy.finding import Finding
from jobs.ports import Record
from jobs.preflight.resolver import Lookup
from jobs.preflight.wire import Reply, Server, Unusable

_FIRST, _LONGEST = 0.1, 3.0
"""Seconds between two questions to one server, growing."""

_TRIES = 3
"""So often in a row a server may be of no use before it is left aside."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """`against`: a finding for each server that keeps the value from counting as seen, the gravest first, or one for
    the zone; empty: it is seen everywhere. `aside`: servers of no use that were not waited for any longer; `remarks`
    tell them."""

    against: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()
    aside: frozenset[Server] = frozenset()


class _State(Enum):
    UNASKED = auto()
    RIGHT = auto()
    WRONG = auto()
    USELESS = auto()


@dataclass(eq=False, slots=True)
class _Watched:
    """What is known of one server; `useless`: how often in a row it gave no answer of its own."""

    server: Server
    tries: int
    words: str
    state: _State = _State.UNASKED
    silent: bool = True
    useless: int = 0

    @property
    def may_be_left_aside(self) -> bool:
        return self.state in (_State.UNASKED, _State.USELESS) and self.useless >= self.tries


async def seen_everywhere(
    lookup: Lookup, record: Record, present: bool, limit: float, known: Collection[Server] = ()
) -> Agreement:
    """Wait until every server of the zone that holds `record` and answers shows it, or with `present` False none does.

    At most `limit` seconds. Servers that were of no use before (`known`) are asked, but not waited for.
    """
    try:
        apex, servers = await lookup.authorities(record.name)
    except Unusable as trouble:
        return Agreement((Finding("zone_servers_unknown", f"{record.name}: {trouble.detail}"),))
    if not servers:
        words = f"{apex}: the addresses of its name servers can't be looked up"
        return Agreement((Finding("zone_servers_unknown", words),))
    watched = [_Watched(one, 0 if one in known else _TRIES, f"{one} was not asked in time") for one in servers]
    told = asyncio.Event()
    try:
        async with asyncio.timeout(limit), asyncio.TaskGroup() as group:
            tasks = [group.create_task(_watch(lookup, one, record, present, told)) for one in watched]
            while not _settled(watched):
                await told.wait()
                told.clear()
            for task in tasks:
                task.cancel()
    except TimeoutError:
        pass  # what is not settled is told
    right = any(one.state is _State.RIGHT for one in watched)
    aside = [one for one in watched if right and one.may_be_left_aside]
    against = [one for one in watched if one.state is not _State.RIGHT and one not in aside]
    against.sort(key=lambda one: one.state is not _State.WRONG)
    return Agreement(
        tuple(_against(apex, one) for one in against),
        tuple(_remarks(apex, watched, aside)),
        frozenset(one.server for one in aside),
    )


async def _watch(lookup: Lookup, one: _Watched, record: Record, present: bool, told: asyncio.Event) -> None:
    """Ask one server until it is right."""
    wait = _FIRST
    while True:
        try:
            reply = await lookup.exchange(one.server, record.name, record.kind)
        except Unusable as trouble:
            one.state, one.words, one.silent = _State.USELESS, trouble.detail, trouble.silent
            one.useless += 1
        else:
            shows = "does not show" if present else "still shows"
            one.state = _State.RIGHT if holds(reply, record) is present else _State.WRONG
            one.words, one.useless = f"{one.server} {shows} the {record.kind} value at {record.name}", 0
        told.set()
        if one.state is _State.RIGHT:
            return
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, _LONGEST)


def _settled(watched: Sequence[_Watched]) -> bool:
    others = [one for one in watched if one.state is not _State.RIGHT]
    return len(others) < len(watched) and all(one.may_be_left_aside for one in others)


def _against(apex: str, one: _Watched) -> Finding:
    words = f"{apex}: its name server {one.words}"
    if one.state is _State.WRONG:
        return Finding("dns01_not_everywhere", words)
    return Finding("dns01_server_silent" if one.silent else "dns01_server_lame", words)


def _remarks(apex: str, watched: Sequence[_Watched], aside: Sequence[_Watched]) -> list[Finding]:
    """One for each server. Where no server of a whole address family answers, it is more likely this host that has no
    way there, which is nothing to tell of the zone; of servers that are known it was told before."""
    answered = {":" in one.server.address for one in watched if one not in aside or not one.silent}
    return [
        Finding("dns01_server_aside", f"{apex}: its name server {one.words}; left aside, as another one is right")
        for one in aside if one.tries and (":" in one.server.address) in answered
    ]


def holds(reply: Reply, record: Record) -> bool:
    """Whether the set at the record's own name has its value; CNAMEs are not followed."""
    return not reply.trail and any(_same(value, record) for value in reply.values)


def _same(value: dns.rdata.Rdata, record: Record) -> bool:
    if record.kind == "TXT":
        parts: Sequence[bytes] = getattr(value, "strings", ())
        return b"".join(parts) == record.value.encode()
    return bool(value == dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(record.kind), record.value))
