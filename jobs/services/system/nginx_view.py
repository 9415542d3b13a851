"""What nginx's configuration says at one moment: server blocks, and which of them a name reaches.

A host may have thousands of blocks and every website asks: what is looked up by name is indexed once, and what all
ask for is worked out once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jobs import privileged
from jobs.policy import nginx_config
from jobs.policy.claims import read_names
from jobs.policy.nginx_config import Directive, Listen, Server
from jobs.policy.nginx_twin import Sockets, reached
from jobs.ports import Endpoint

PROBE_LABEL = "autossl-probe"
_INTERFACES_6 = Path("/proc/net/if_inet6")
_LOOPBACK_6 = f"{1:032x} "


@dataclass(frozen=True)
class Reached:
    """A name reaches the server block at `position` through this `listen`."""

    position: int
    listen: Listen
    name: str


@dataclass(frozen=True)
class View:
    """`names`: the valid host names of each server; `ours`: the positions of those in files of ours; `by_name`: which
    blocks answer a name."""

    main: tuple[Directive, ...]
    servers: tuple[Server, ...]
    names: tuple[tuple[str, ...], ...]
    ours: frozenset[int]
    by_name: Mapping[str, tuple[Reached, ...]]

    def reaching(self, names: Collection[str], port: int, *, tls: bool) -> list[Reached]:
        """Where the names are answered at this port, in the order of the configuration."""
        found = (one for name in names for one in self.by_name.get(name, ()))
        wanted = [one for one in found if one.listen.port == port and one.listen.tls is tls]
        return sorted(wanted, key=lambda one: one.position)

    def only_http(self, names: Collection[str], http: int, https: int, *, ours: bool) -> dict[int, tuple[str, ...]]:
        """The server blocks that answer some of the names at the http port, and which: those that no block answers
        at the https port. `ours`: whether our own blocks count as such an answer."""
        secured = {one.name for one in self.reaching(names, https, tls=True) if ours or one.position not in self.ours}
        found: dict[int, set[str]] = {}
        for one in self.reaching(names, http, tls=False):
            if one.position not in self.ours and one.name not in secured:
                found.setdefault(one.position, set()).add(one.name)
        return {
            position: tuple(name for name in self.names[position] if name in kept) for position, kept in found.items()
        }

    def endpoints(self, one: Reached) -> Iterator[Endpoint]:
        """Where a handshake reaches the block: at its address, or at one of this machine's own that no other block
        listens on by name. A wildcard name is tried by a label that nobody has. Behind a proxy there is no way."""
        address, port = one.listen.address, one.listen.port
        if (address, port) in self._proxied:
            return
        sni = one.name.replace("*", PROBE_LABEL, 1)
        taken = self._addresses.get(port, frozenset())
        if address not in ("*", "::"):
            yield Endpoint(address, port, sni)
        if address == "*" or one.listen.both_families:
            local = (f"127.0.0.{last}" for last in range(1, 255))
            yield Endpoint(next((ip for ip in local if ip not in taken), "127.0.0.1"), port, sni)
        if address == "::" and "::1" not in taken and _has_loopback_6():
            yield Endpoint("::1", port, sni)

    def sockets(self, http: int, https: int) -> Sockets:
        """Where the blocks of others listen."""
        if (http, https) not in self._sockets:
            self._sockets[http, https] = Sockets.of(self.others, http, https)
        return self._sockets[http, https]

    @cached_property
    def others(self) -> tuple[Server, ...]:
        """The server blocks that are not ours."""
        return tuple(server for position, server in enumerate(self.servers) if position not in self.ours)

    @cached_property
    def http(self) -> Directive | None:
        """The http block; nginx allows one."""
        return next(iter(nginx_config.http_blocks(self.main)), None)

    @cached_property
    def includes(self) -> frozenset[str]:
        """What the http block includes, at any depth, as written."""
        return frozenset(nginx_config.include_patterns(self._http_children))

    @cached_property
    def says_protocols(self) -> bool:
        """Whether the http block names the TLS versions for all."""
        return nginx_config.value(self._http_children, "ssl_protocols") is not None

    @cached_property
    def stream_ports(self) -> frozenset[int]:
        return nginx_config.stream_ports(self.main)

    @cached_property
    def _sockets(self) -> dict[tuple[int, int], Sockets]:
        return {}

    @cached_property
    def _http_children(self) -> tuple[Directive, ...]:
        return (self.http.children or ()) if self.http else ()

    @cached_property
    def _proxied(self) -> frozenset[tuple[str, int]]:
        """nginx takes `proxy_protocol` for the whole socket, whichever block says it."""
        listens = (listen for server in self.servers for listen in server.listens if listen.proxied)
        return frozenset((listen.address, listen.port) for listen in listens)

    @cached_property
    def _addresses(self) -> dict[int, frozenset[str]]:
        """Port -> the addresses that blocks listen on there."""
        found: dict[int, set[str]] = {}
        for server in self.servers:
            for listen in server.listens:
                found.setdefault(listen.port, set()).add(listen.address)
        return {port: frozenset(addresses) for port, addresses in found.items()}


def read_view(config: str, own: Path) -> View:
    """Read the configuration; files below `own` are ours. Raises Failure("config_broken_before")."""
    main = privileged.nginx_directives(config)
    servers = nginx_config.servers(main)
    names = tuple(read_names(nginx_config.plain_names(server.names))[0] for server in servers)
    ours = frozenset(
        position for position, server in enumerate(servers) if Path(server.directive.file).is_relative_to(own)
    )
    return View(main, servers, names, ours, _index(servers, names))


def _index(servers: tuple[Server, ...], names: tuple[tuple[str, ...], ...]) -> dict[str, tuple[Reached, ...]]:
    first = reached(servers, dict(enumerate(names)))
    found: dict[str, list[Reached]] = {}
    for position, server in enumerate(servers):
        for listen in server.listens:
            for name in names[position]:
                if first[Listen(listen.address, listen.port), name] == position:
                    found.setdefault(name, []).append(Reached(position, listen, name))
    return {name: tuple(each) for name, each in found.items()}


def _has_loopback_6() -> bool:
    """A machine may have no IPv6 at all though nginx listens on it."""
    return _INTERFACES_6.exists() and _LOOPBACK_6 in _INTERFACES_6.read_text(encoding="ascii")
