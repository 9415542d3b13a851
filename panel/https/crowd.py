"""Who holds the server's connections, and who gives one up when there is no more room.

Nobody is turned away: a newcomer takes the place of the connection that has waited longest, at the address that holds
most of them. So one address that opens thousands takes places from itself only, and whoever shares that address (a NAT)
still gets one, for the time that an honest request takes. Connections whose request is being answered are left alone.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from typing import Protocol

PREFIX = 64
"""Bits of an IPv6 address that count: whoever has one address of such a network has them all."""


class Member(Protocol):
    """A connection. `source`: the client's address; `since`: when its present stage began (`time.monotonic`); `busy`:
    it is being worked on, and stays."""

    source: str
    since: float
    busy: bool


class NoRoom(Exception):
    """Every connection is busy."""


class Crowd:
    """The open connections of all servers of a process. Safe from several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._members: dict[str, set[Member]] = {}
        self._count = 0

    def enter(self, member: Member) -> Member | None:
        """Take a new connection in; which other one gives up its place for it, and has to be ended now. Raises
        NoRoom."""
        with self._lock:
            victim = self._oldest() if self._count >= self._most else None
            if victim is not None:
                self._forget(victim)
            elif self._count >= self._most:
                raise NoRoom
            self._members.setdefault(origin(member.source), set()).add(member)
            self._count += 1
            return victim

    def leave(self, member: Member) -> None:
        """One that left already, or was never let in, is no matter."""
        with self._lock:
            self._forget(member)

    def oldest(self) -> Member | None:
        """Which one has to be ended where the system itself has no more room."""
        with self._lock:
            return self._oldest()

    def _oldest(self) -> Member | None:
        return min(self._of_the_fullest(), key=lambda member: member.since, default=None)

    def _of_the_fullest(self) -> Iterator[Member]:
        """The connections that may be given up, of all addresses that hold most of those."""
        waiting = [[member for member in members if not member.busy] for members in self._members.values()]
        most = max(map(len, waiting), default=0)
        return (member for members in waiting if len(members) == most for member in members)

    def _forget(self, member: Member) -> None:
        place = origin(member.source)
        members = self._members.get(place)
        if members is None or member not in members:
            return
        members.remove(member)
        self._count -= 1
        if not members:
            del self._members[place]


def origin(source: str) -> str:
    """What of an address says whose it is: an IPv4 address, or the network of an IPv6 one."""
    if ":" not in source:
        return source
    network = ipaddress.ip_network((source.partition("%")[0], PREFIX), strict=False)
    return str(network.network_address)
