"""Writes what nginx shall read: the challenge rule, and the https twin of a server block that speaks http only.

A twin is made of the block's own text, directive by directive, as nginx already accepted it in that place; nothing is
quoted anew, so nothing in it can turn into another directive.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.policy.nginx_config import Directive, Listen, Server, expanded
from jobs.policy.nginx_text import Spot, scan

WILDCARDS = ("*", "::")
INNER = "/.autossl-challenge/"
"""Where an answer is served from inside nginx; nobody can ask for it from outside."""

PAIR = ("ssl_certificate", "ssl_certificate_key")
_OWN_LINES = frozenset({"listen", "server_name", "ssl", *PAIR})
_ANSWERS = frozenset({"root", "alias", "return", "rewrite", "empty_gif", "stub_status"})
_TO_HTTPS = re.compile(r"https://(\$\{?[a-z_]+\}?|[A-Za-z0-9.-]+)(?::443)?(?=[/?$]|\Z)")
_SELF = frozenset({"$host", "${host}", "$http_host", "${http_host}", "$server_name", "${server_name}"})


@dataclass
class Sources:
    """The files that are quoted from: path -> text. Raises NotUnderstood (see `scan`), KeyError for another file."""

    texts: Mapping[str, str]
    _spots: dict[str, tuple[Spot, ...]] = field(default_factory=dict)

    def spot(self, directive: Directive) -> Spot:
        """Where the directive stands. What was read and what is seen at its place must be the same."""
        if directive.file not in self._spots:
            self._spots[directive.file] = scan(self.texts[directive.file])
        spots = self._spots[directive.file]
        spot = spots[directive.number] if directive.number < len(spots) else None
        if spot is None or spot.name != directive.name or (spot.opens is None) != (directive.children is None):
            raise LookupError(f"{directive.file}:{directive.line}: {directive.name}: not found at its line")
        return spot

    def text(self, directive: Directive) -> str:
        spot = self.spot(directive)
        return self.texts[directive.file][spot.start : spot.end]

    def head(self, directive: Directive) -> str:
        """The text up to and with the opening brace."""
        spot = self.spot(directive)
        return self.texts[directive.file][spot.start : spot.opens]


@dataclass(frozen=True)
class Pair:
    """The files that a block shall name; they have passed the grammar of what is rendered."""

    certificate: str
    key: str

    def stands_in(self, server: Server) -> bool:
        return (server.certificates, server.keys) == ((self.certificate,), (self.key,))


@dataclass(frozen=True)
class Twin:
    """One https server block: what it is made of. Names and addresses have passed the grammar of what is rendered."""

    server: Server
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    port: int
    pair: Pair
    protocols: str | None
    """The TLS versions, when the configuration names none for all."""


def challenge_rule(directory: str) -> str:
    """The directives that answer a challenge of ours, and only those, before any redirect, rule or lock of the site.
    `directory`: of the answers, right below that of the installation, from which on no link is followed: whoever may
    write there could lay one to any file that nginx may read.

    They must come first in a server block: the rewrite ends the server's own rewrite directives (`last`), and the
    location that it leads to asks for nothing. A token that is not in the directory changes nothing at all.
    """
    return f'''set $autossl_token "";
if ($uri ~ "^/\\.well-known/acme-challenge/([A-Za-z0-9_-]+)$") {{
    set $autossl_token $1;
}}
if (-f "{directory}/$autossl_token") {{
    rewrite ^ {INNER}$autossl_token last;
}}
location ^~ {INNER} {{
    internal;
    alias "{directory}/";
    types {{ }}
    default_type text/plain;
    satisfy any;
    allow all;
    auth_basic off;
    disable_symlinks on from="{directory.rpartition("/")[0]}";
}}
'''


def render(twin: Twin, sources: Sources, dropped: Collection[str] = ()) -> str:
    """The text of the twin. `dropped`: files whose directives are left out (our own snippet)."""
    kept = list(_kept(twin.server.directive.children or (), frozenset(twin.names), sources, frozenset(dropped)))
    host = "[{}]:{}"
    lines = [
        *(f"listen {host.format(address, twin.port) if ':' in address else _v4(address, twin.port)} ssl;"
          for address in twin.addresses),
        f"server_name {' '.join(twin.names)};",
        f'ssl_certificate "{twin.pair.certificate}";',
        f'ssl_certificate_key "{twin.pair.key}";',
        *([f"ssl_protocols {twin.protocols};"] if twin.protocols else []),
        *kept,
    ]
    return "server {\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def answers(server: Server, names: Collection[str]) -> bool:
    """Whether anything is left that answers a request once redirects to https are gone."""
    return server.root is not None or any(
        item.name in _ANSWERS or item.name.endswith("_pass")
        for item in _remaining(server.directive, frozenset(names))
    )


def quoted(items: Iterable[Directive], sources: Sources, without: Collection[str]) -> list[str]:
    """The texts of the directives, those named `without` left out, includes that hold one of them replaced by the
    rest of what they stand for."""
    lines: list[str] = []
    for item in items:
        if item.included and any(inner.name in without for inner in expanded(item.included)):
            lines += quoted(item.included, sources, without)
        elif item.name not in without:
            lines.append(sources.text(item))
    return lines


@dataclass(frozen=True)
class Sockets:
    """Where server blocks listen: addresses at the http port, at the https port, and those of the latter that speak
    plain http there, each with a block that does. `both`: a socket of IPv6 at the https port takes IPv4 as well."""

    http: frozenset[str]
    https: frozenset[str]
    plain: Mapping[str, Directive]
    both: bool

    @classmethod
    def of(cls, servers: Sequence[Server], http_port: int, https_port: int) -> Sockets:
        listens = [(listen, server) for server in servers for listen in server.listens]
        secure = [(listen, server) for listen, server in listens if listen.port == https_port]
        return cls(
            http=frozenset(listen.address for listen, _ in listens if listen.port == http_port),
            https=frozenset(listen.address for listen, _ in secure),
            plain={listen.address: server.directive for listen, server in secure if not listen.tls},
            both=any(listen.both_families for listen, _ in secure),
        )


def twin_addresses(server: Server, others: Sockets, http_port: int) -> tuple[str, ...]:
    """Where the twin listens: as its http block does, but never so that it takes a connection from another website.

    nginx chooses among the blocks of the most precise address only. So where the other https blocks listen on all
    addresses the twin does too, and where they listen on one as well, it listens there if its http block is reached.
    """
    found: dict[str, None] = {}
    for listen in server.listens:
        if listen.port != http_port or listen.tls:
            continue
        for wildcard in WILDCARDS if listen.both_families else (_wildcard(listen.address),):
            if listen.address not in WILDCARDS and (listen.address in others.https or wildcard not in others.https):
                found[listen.address] = None
                continue
            found[wildcard] = None
            if listen.address in WILDCARDS:
                near = others.https - others.http - set(WILDCARDS)
                found.update(dict.fromkeys(sorted(address for address in near if _wildcard(address) == wildcard)))
    if "*" in found and others.both:
        del found["*"]  # that socket takes IPv4 as well, and a second one could not be opened
        found["::"] = None
    return tuple(found)


def reached(servers: Sequence[Server], names: Mapping[int, Collection[str]]) -> dict[tuple[Listen, str], int]:
    """Per listening address and name the position of the server block that nginx chooses: the first that lists it."""
    first: dict[tuple[Listen, str], int] = {}
    for position, server in enumerate(servers):
        for listen in server.listens:
            for name in names[position]:
                first.setdefault((Listen(listen.address, listen.port), name), position)
    return first


def _kept(
    items: Iterable[Directive], own: frozenset[str], sources: Sources, dropped: frozenset[str], depth: int = 0
) -> Iterator[str]:
    for item in items:
        if item.name == "include" and item.children is None:
            inner = list(expanded(item.included))
            if any(_leaves(one, own, depth) or one.file in dropped for one in inner):
                yield from _kept(item.included, own, sources, dropped, depth)
            else:
                yield sources.text(item)
        elif item.file in dropped or _goes(item, own, depth):
            continue
        elif item.children is not None and _leaves(item, own, depth):
            rest = _kept(item.children, own, sources, dropped, depth + 1)
            pad = "    " * (depth + 2)
            yield sources.head(item) + "\n" + "".join(f"{pad}{line}\n" for line in rest) + "    " * (depth + 1) + "}"
        else:
            yield sources.text(item)


def _goes(item: Directive, own: frozenset[str], depth: int) -> bool:
    """Whether the whole directive is left out: the block's own lines, and redirects to where the twin itself is."""
    if depth == 0 and item.name in _OWN_LINES:
        return True
    if item.name in ("return", "rewrite") and item.args:
        target = item.args[1] if item.name == "rewrite" and len(item.args) > 1 else item.args[-1]
        match = _TO_HTTPS.match(target)
        return match is not None and (match[1] in _SELF or match[1].lower() in own)
    inside = list(item.inside()) if item.name == "if" else []
    return bool(inside) and all(_goes(one, own, depth + 1) for one in inside)


def _leaves(item: Directive, own: frozenset[str], depth: int) -> bool:
    """Whether something is left out of the directive, or all of it."""
    return _goes(item, own, depth) or any(_leaves(one, own, depth + 1) for one in item.inside())


def _remaining(block: Directive, own: frozenset[str], depth: int = 0) -> Iterator[Directive]:
    for item in block.inside():
        if not _goes(item, own, depth):
            yield item
            yield from _remaining(item, own, depth + 1)


def _wildcard(address: str) -> str:
    return "::" if ":" in address else "*"


def _v4(address: str, port: int) -> str:
    return str(port) if address == "*" else f"{address}:{port}"
