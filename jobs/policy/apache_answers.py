"""Which virtual host answers a name: Apache's own rule, as look-ups without Apache.

The address of the connection chooses a group: the vhosts of that very address and port if there are any, else those of
`*`. In the group the first vhost that lists the name answers, be it by ServerName, ServerAlias or a pattern; mod_ssl
chooses by the name of the handshake in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from jobs.policy.apache_config import Vhost
from jobs.policy.site import InvalidName, hostname

ANY = "*"


@dataclass(slots=True)
class _Group:
    """The vhosts of one address: positions by name, and patterns with positions, both in configuration order."""

    exact: dict[str, int] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], int]] = field(default_factory=list)

    def add(self, position: int, names: Collection[str]) -> None:
        for name in names:
            self.exact.setdefault(name, position)
            if "*" in name or "?" in name:
                self.patterns.append((_pattern(name), position))

    def first(self, name: str) -> int | None:
        """A wildcard is looked up as it is listed; a name also matches patterns."""
        found = [self.exact[name]] if name in self.exact else []
        if not name.startswith("*."):
            found += [position for pattern, position in self.patterns if pattern.match(name)][:1]
        return min(found, default=None)


class Answers:
    """The vhosts that stand at one port. Positions are those of the sequence it was made of."""

    def __init__(self, vhosts: Sequence[Vhost], port: int, main_name: str | None = None) -> None:
        """`main_name`: the ServerName of the main server, which a vhost without its own has."""
        self._groups: dict[str, _Group] = {}
        for position, vhost in enumerate(vhosts):
            here = [address for address, at in vhost.addresses if at == port]
            names = listed_names(vhost, main_name) if here else ()
            for address in here:
                self._groups.setdefault(address, _Group()).add(position, names)

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses that vhosts of this port name, `ANY` among them if one stands for all."""
        return frozenset(self._groups)

    def at(self, address: str, name: str) -> int | None:
        """The vhost that lists `name` and answers at `address`; None when only a default one would answer."""
        group = self._groups.get(address) or self._groups.get(ANY)
        return group.first(name) if group else None

    def everywhere(self, name: str) -> dict[str, int]:
        """Address -> the vhost that answers `name` there, for each address whose group lists it."""
        found = ((address, group.first(name)) for address, group in self._groups.items())
        return {address: position for address, position in found if position is not None}


def listed_names(vhost: Vhost, main_name: str | None = None) -> tuple[str, ...]:
    """The names of a vhost as they are compared: lower case, international ones as A-labels."""
    own = vhost.server_name or main_name
    return tuple(dict.fromkeys(_comparable(name) for name in (*((own,) if own else ()), *vhost.aliases)))


def leading_name(vhost: Vhost, main_name: str | None = None) -> str | None:
    """The first name of the vhost that could stand on a certificate: whose name it is, decides whose vhost it is."""
    own = (vhost.server_name,) if vhost.server_name else ()
    found = next(_valid((*own, *vhost.aliases)), None)
    return found or next(_valid((main_name,) if main_name else ()), None)


def _valid(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        try:
            yield hostname(name)
        except InvalidName:
            continue


def _comparable(name: str) -> str:
    try:
        return hostname(name)
    except InvalidName:
        return name.lower()


def _pattern(name: str) -> re.Pattern[str]:
    """`*` stands for any signs, dots too, and `?` for one (Apache's ap_strcasecmp_match)."""
    signs = {"*": ".*", "?": "."}
    return re.compile("".join(signs.get(sign, re.escape(sign)) for sign in name) + r"\Z")
