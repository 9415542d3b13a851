"""Reads `-D DUMP_VHOSTS`, for an Apache without mod_info: which vhosts there are and at which line each begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from jobs.policy.apache_config import Directive, Vhost, vhost

_WHAT = r"(?:(?P<of_macro>.*?) \((?P<macro>macro '.*)\)|(?P<name>.*) \((?P<place>.*)\))\Z"
"""A name and its place in brackets; a macro's place has brackets of its own."""
_NAMED = re.compile(r" +port \S+ namevhost " + _WHAT)
_ALIAS = re.compile(r" +(?:wild )?alias (.*)\Z")
_SINGLE = re.compile(r"\S+:\S+ +" + _WHAT)
_PLACE = re.compile(r"(/.*):(\d+)\Z")


@dataclass(slots=True)
class Listed:
    """One vhost of the listing. `file` and `line` are None when Apache names no place in a file (a macro's vhost:
    `place` has its words). `aliases` is None when Apache didn't list them (an address with one vhost only)."""

    name: str
    place: str
    file: str | None
    line: int | None
    aliases: list[str] | None = field(default=None)


def listed(text: str) -> tuple[Listed, ...]:
    """Each vhost once, in order, however many addresses it has. Never raises."""
    found: dict[str, Listed] = {}
    current: Listed | None = None
    for row in text.split("\n"):
        alias = _ALIAS.match(row)
        if alias:
            if current is not None and current.aliases is not None and alias[1] not in current.aliases:
                current.aliases.append(alias[1])
            continue
        named, single = _NAMED.match(row), _SINGLE.match(row)
        match = named or single
        entry = _listed(match["of_macro"] or match["name"] or "", match["macro"] or match["place"]) if match else None
        current = found.setdefault(entry.place, entry) if entry else None
        if current is not None and named and current.aliases is None:
            current.aliases = []
    return tuple(found.values())


def as_vhost(entry: Listed, block: Directive | None) -> Vhost:
    """The vhost of a listed entry. `block` is what stands at its line, read without expanding anything, or None.

    Names are Apache's own words; without a ServerName in the block the listing shows some other server's name, which
    is left out. What stands in a nested condition of the block (a docroot, say) is not guessed at.
    """
    section = block or Directive("VirtualHost", (), "", entry.place, entry.line or 1)
    read = vhost(section, ())
    says_name = block is None or any(item.name.lower() == "servername" for item in _inside(block))
    return replace(
        read,
        server_name=entry.name if says_name else None,
        aliases=read.aliases if entry.aliases is None else tuple(entry.aliases),
    )


def _listed(name: str, place: str) -> Listed:
    match = _PLACE.match(place)
    return Listed(name, place, match[1] if match else None, int(match[2]) if match else None)


def _inside(section: Directive) -> Iterator[Directive]:
    waiting = list(section.children)
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(item.children)
