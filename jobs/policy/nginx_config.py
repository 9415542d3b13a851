"""Reads what crossplane understood of an nginx configuration: pure data to values.

Includes are followed. Arguments are somebody else's text: they must pass a strict grammar before they reach a file,
a path or a page. Where a directive stands in its file is `nginx_text`'s business; `number` is the bridge to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_PORT = 80
_FALLBACK_NAMES = ("", "_", "$hostname")


class IncludesItself(ValueError):
    """A file is included by itself, directly or through others."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive. `children` is None when it has no block; `included`: what an include stands for.

    `number` counts the directives of `file`, from 0, in the order of their first words (comments are none).
    """

    name: str
    args: tuple[str, ...]
    file: str
    number: int
    line: int
    children: tuple[Directive, ...] | None = None
    included: tuple[Directive, ...] = ()

    def inside(self) -> Iterator[Directive]:
        """What the block holds, each include replaced by what it stands for."""
        return expanded(self.children or ())

    def named(self, *names: str) -> list[Directive]:
        """The directives of these names in the block, includes followed."""
        return [item for item in self.inside() if item.name in names]


@dataclass(frozen=True, slots=True)
class Listen:
    """One `listen`. `address`: "*" for all of IPv4, "::" for all of IPv6, else as written, without brackets.

    `both_families`: the wildcard of IPv6 that takes IPv4 as well (`ipv6only=off`). `proxied`: each connection begins
    with a line of a proxy in front (`proxy_protocol`), so that nobody else can connect there.
    """

    address: str
    port: int
    tls: bool = False
    both_families: bool = False
    proxied: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """One server block. `names` are as written, regular expressions and all; `directive` is the block itself.

    `certificates` and `keys`: the arguments that are in effect, those of the http block if it has none of its own.
    """

    names: tuple[str, ...]
    listens: tuple[Listen, ...]
    root: str | None
    certificates: tuple[str, ...]
    keys: tuple[str, ...]
    directive: Directive

    def ports(self, *, tls: bool) -> frozenset[int]:
        return frozenset(listen.port for listen in self.listens if listen.tls is tls)


@dataclass(slots=True)
class _Files:
    """The files of one payload; each is made into directives once."""

    configs: list[dict[str, Any]]
    made: dict[int, tuple[Directive, ...]] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)

    def directives(self, index: int) -> tuple[Directive, ...]:
        if index not in self.made:
            if index in self.open:
                raise IncludesItself(f"{self.configs[index]['file']}: this file includes itself")
            self.open.add(index)
            config = self.configs[index]
            self.made[index] = tuple(self._each(config["parsed"], config["file"], [0]))
            self.open.discard(index)
        return self.made[index]

    def _each(self, items: list[dict[str, Any]], file: str, counter: list[int]) -> Iterator[Directive]:
        for item in items:
            if item["directive"] == "#" and "comment" in item:
                continue
            number = counter[0]
            counter[0] += 1
            block = item.get("block")
            yield Directive(
                name=item["directive"],
                args=tuple(item["args"]),
                file=file,
                number=number,
                line=item["line"],
                children=None if block is None else tuple(self._each(block, file, counter)),
                included=tuple(one for index in item.get("includes", ()) for one in self.directives(index)),
            )


def tree(payload: Mapping[str, Any]) -> tuple[Directive, ...]:
    """The main file of `crossplane.parse(..., combine=False)`. Raises IncludesItself."""
    return _Files(payload["config"]).directives(0)


def expanded(items: Iterable[Directive]) -> Iterator[Directive]:
    """The items, each include replaced by what it stands for."""
    for item in items:
        if item.name == "include" and item.children is None:
            yield from expanded(item.included)
        else:
            yield item


def http_blocks(main: Iterable[Directive]) -> list[Directive]:
    return [item for item in expanded(main) if item.name == "http" and item.children is not None]


def servers(main: Iterable[Directive]) -> tuple[Server, ...]:
    """Every server block of http, in the order in which nginx reads them."""
    return tuple(_server(item, http) for http in http_blocks(main) for item in http.named("server"))


def stream_ports(main: Iterable[Directive]) -> frozenset[int]:
    """Ports that stream servers (plain TCP) listen on."""
    return frozenset(
        listen.port
        for stream in expanded(main)
        if stream.name == "stream"
        for server in stream.named("server")
        for item in server.named("listen")
        for listen in _listen(item.args, False)
    )


def value(items: Iterable[Directive], name: str) -> str | None:
    """The first argument of the last directive of that name, includes followed."""
    found = [item.args[0] for item in expanded(items) if item.name == name and item.args]
    return found[-1] if found else None


def plain_names(words: Iterable[str]) -> tuple[str, ...]:
    """Names without nginx's own forms: a regular expression, `_` and "" are no names; `.example.org` is the name and
    its wildcard."""
    found: list[str] = []
    for word in words:
        if word.startswith("~") or word in _FALLBACK_NAMES:
            continue
        found += [word[1:], f"*{word}"] if word.startswith(".") else [word]
    return tuple(found)


def _server(block: Directive, http: Directive) -> Server:
    legacy = value(block.children or (), "ssl") or value(http.children or (), "ssl")
    words = [item.args for item in block.named("listen") if item.args] or [(str(DEFAULT_PORT),)]
    return Server(
        names=tuple(word for item in block.named("server_name") for word in item.args),
        listens=tuple(dict.fromkeys(one for args in words for one in _listen(args, legacy == "on"))),
        root=_root(block) or value(http.children or (), "root"),
        certificates=_effective(block, http, "ssl_certificate"),
        keys=_effective(block, http, "ssl_certificate_key"),
        directive=block,
    )


def _effective(block: Directive, http: Directive, name: str) -> tuple[str, ...]:
    own = block.named(name) or http.named(name)
    return tuple(item.args[0] for item in own if item.args)


def _listen(args: tuple[str, ...], tls: bool) -> Iterator[Listen]:
    """`80`, `*:80`, `1.2.3.4`, `[::]:443 ssl`; a socket file has no port, and `quic` is not TCP."""
    word, flags = args[0], args[1:]
    if word.startswith("unix:") or "quic" in flags:
        return
    if word.isascii() and word.isdigit():
        address, port = "*", word
    elif word.startswith("["):
        address, _, rest = word[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        address, _, port = word.partition(":")
    number = int(port[:9]) if port.isascii() and port.isdigit() else DEFAULT_PORT
    address = "*" if address == "0.0.0.0" else address  # noqa: S104 compared, not bound
    both = address == "::" and "ipv6only=off" in flags
    yield Listen(address, number, tls or "ssl" in flags, both, "proxy_protocol" in flags)


def _root(block: Directive) -> str | None:
    """The `root` of the block, else of its `location /`."""
    own = value(block.children or (), "root")
    if own is not None:
        return own
    inner = [_root(location) for location in block.named("location") if location.args == ("/",)]
    return next((root for root in inner if root), None)


def include_patterns(items: Iterable[Directive]) -> Iterator[str]:
    """What is included here, directly or through other includes, as written."""
    for item in items:
        if item.name == "include" and item.children is None and item.args:
            yield item.args[0]
            yield from include_patterns(item.included)
