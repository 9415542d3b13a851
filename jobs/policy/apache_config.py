"""Reads Apache's own dump of its configuration (mod_info's `-D DUMP_CONFIG`): pure text to values.

In the dump Apache has already followed Include, Define, IfModule, IfDefine and Macro, so nothing here is a guess.
Values are as Apache understands them (quotes and backslashes removed) and are not validated: they are somebody else's
text and must pass a strict grammar before they reach a file, a path or a page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

_SPACE = " \t\v\f\r\n"
_APART = re.compile(r"[ \t\v\f\r\n]+")
_NOT_PLAIN = re.compile(r"[ \t\v\f\r\n\"'\\]")
_ROW = re.compile(r"[^\n]+")
"""Rows one by one, empty ones left out: of thousands of websites a list of all is tens of megabytes. Nothing but a line
feed ends one, for an argument may hold a CR, a form feed or U+2028."""
_MARK = re.compile(r"# *(\d+):\Z")
"""The number is four wide: from line 1000 on there is no space before it."""

_FILE = "# In file: "
_OWNER = ("suexecusergroup", "assignuserid", "ruidgid")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive, or a `section` with `children`; a section's name has no brackets ("VirtualHost").

    `raw` is the argument text exactly as dumped (without the `>` that ends a section's opening line).
    `file` is the dump's own word: a path, or `macro 'x' (defined on line …)`; `line` counts from 1 in there, and for a
    directive continued by a backslash it is the last of its lines.
    """

    name: str
    args: tuple[str, ...]
    raw: str
    file: str
    line: int
    children: tuple[Directive, ...] = ()
    section: bool = False

    def named(self, name: str) -> tuple[Directive, ...]:
        """The direct children of that name, in order."""
        return tuple(child for child in self.children if child.name.lower() == name.lower())

    def value(self, name: str) -> str | None:
        """The first argument of the last direct child of that name: for most directives the last one wins."""
        return _last_argument(self.children, name)


@dataclass(frozen=True, slots=True)
class Vhost:
    """One `<VirtualHost>`.

    `addresses`: address ("*", or as written, IPv6 without brackets) and port; an address that names no port, or `*`,
    stands for every port of Listen. `server_name`: without scheme and port, as Apache reads it. `ssl`: SSLEngine is on
    here, or inherited. `dav`: some section inside turns WebDAV on.
    """

    addresses: tuple[tuple[str, int], ...]
    server_name: str | None
    aliases: tuple[str, ...]
    docroot: str | None
    ssl: bool
    dav: bool
    owner: str | None
    file: str
    line: int
    directive: Directive


@dataclass(slots=True)
class _Open:
    """A section whose end has not come yet."""

    name: str
    raw: str
    file: str
    line: int
    children: list[Directive]

    def close(self) -> Directive:
        return Directive(self.name, arguments(self.raw), self.raw, self.file, self.line, tuple(self.children), True)


def parse_dump(text: str) -> tuple[Directive, ...]:
    """The tree of a dump. Lines that are not part of it (warnings, "Syntax OK") are passed over: a directive
    counts only behind Apache's own mark of its line. Never raises."""
    file, line = "", 0
    stack = [_Open("", "", "", 0, [])]
    for found in _ROW.finditer(text):
        row = found[0].lstrip(" ")
        if row.startswith("#"):
            mark = _MARK.match(row)
            if mark:
                line = int(mark[1])
            elif row.startswith(_FILE):
                file = row.removeprefix(_FILE)
        elif row.startswith("</"):
            _end_section(stack, row[2:].removesuffix(">"))
        elif line and row:
            _begin(stack, row, file, line)
            line = 0
    while len(stack) > 1:
        _end_section(stack, stack[-1].name)
    return tuple(stack[0].children)


def parse_block(text: str, file: str, line: int) -> Directive | None:
    """The section that begins at `line` (from 1) of a configuration file's own text; None when none begins there.

    For an Apache without mod_info. Nothing is expanded: what stands in a nested condition stays in there, and
    `${…}` stays as it is, so that it can't pass for a name.
    """
    rows = text.split("\n")
    stack = [_Open("", "", "", 0, [])]
    number = line
    while 0 < number <= len(rows):
        begins = number
        row = rows[number - 1].rstrip("\r")
        while row.endswith("\\") and number < len(rows):
            row = row[:-1] + rows[number].rstrip("\r")
            number += 1
        number += 1
        row = row.strip(_SPACE)
        if begins == line and not row.startswith("<"):
            return None
        if row.startswith("</"):
            _end_section(stack, row[2:].removesuffix(">").strip(_SPACE))
        elif row and not row.startswith("#"):
            _begin(stack, row, file, begins)
        if len(stack) == 1:
            break
    whole = stack[0].children
    return whole[0] if whole else None


def arguments(raw: str) -> tuple[str, ...]:
    """Split as Apache does: words by white space; in double or single quotes white space belongs to the word.

    `\\\\` is a backslash, and a backslash before the quote in use is that quote; any other backslash stands for itself.
    A quote that is never closed reaches to the end.
    """
    if raw and not _NOT_PLAIN.search(raw):
        return (raw,)
    words: list[str] = []
    at = 0
    while True:
        while at < len(raw) and raw[at] in _SPACE:
            at += 1
        if at >= len(raw):
            return tuple(words)
        word, at = _word(raw, at)
        words.append(sys.intern(word))


def vhosts(tree: Iterable[Directive]) -> tuple[Vhost, ...]:
    """Every virtual host, in configuration order."""
    tree = tuple(tree)
    ports = tuple(dict.fromkeys(port for _, port, _ in listens(tree)))
    engine = global_value(tree, "SSLEngine")
    return tuple(vhost(item, ports, engine) for item in tree if item.name.lower() == "virtualhost")


def vhost(section: Directive, ports: tuple[int, ...], inherited_engine: str | None = None) -> Vhost:
    """Read one `<VirtualHost>` section; `ports` are those of Listen."""
    within = tuple(walk(section.children))
    engine = section.value("SSLEngine") or inherited_engine or "off"
    name = section.value("ServerName")
    return Vhost(
        addresses=tuple(dict.fromkeys(pair for word in section.args for pair in _addresses(word, ports))),
        server_name=_server_name(name) if name else None,
        aliases=tuple(alias for item in section.named("ServerAlias") for alias in takewhile(bool, item.args)),
        docroot=section.value("DocumentRoot"),
        ssl=engine.lower() == "on",
        dav=any(item.name.lower() == "dav" and item.args and item.args[0].lower() != "off" for item in within),
        owner=next((item.args[0] for item in within if item.name.lower() in _OWNER and item.args), None),
        file=section.file,
        line=section.line,
        directive=section,
    )


def listens(tree: Iterable[Directive]) -> tuple[tuple[str, int, str | None], ...]:
    """Address ("*" for all, IPv6 without brackets), port and protocol (None when it isn't named) of each Listen."""
    found = []
    for item in tree:
        if item.name.lower() == "listen" and item.args:
            word = item.args[0]
            address, port = ("*", word) if word.isdigit() else _split_port(word)
            if port.isascii() and port.isdigit():
                protocol = item.args[1].lower() if len(item.args) > 1 else None
                found.append((address, int(port[:9]), protocol))
    return tuple(found)


def global_value(tree: Iterable[Directive], name: str) -> str | None:
    """The first argument of the last directive of that name outside all sections."""
    return _last_argument(tree, name)


def main_name(tree: Iterable[Directive]) -> str | None:
    """The ServerName outside all sections, which vhosts without their own have too."""
    name = global_value(tree, "ServerName")
    return _server_name(name) if name else None


def _begin(stack: list[_Open], row: str, file: str, line: int) -> None:
    section = row.startswith("<")
    name, raw = _split_name(row[1:] if section else row)
    if section:
        name = name.removesuffix(">")  # a section without arguments, as `<RequireAll>`
        raw = raw.rpartition(">")[0].rstrip(_SPACE)  # what stands behind the last one, Apache passes over
    name, raw = sys.intern(name), sys.intern(raw)  # most words of a configuration are few, and said thousands of times
    if section:
        stack.append(_Open(name, raw, file, line, []))
    else:
        stack[-1].children.append(Directive(name, arguments(raw), raw, file, line))


def _end_section(stack: list[_Open], name: str) -> None:
    """Close the innermost open section of that name and whatever is still open inside; a stray end is passed over."""
    if not any(item.name.lower() == name.lower() for item in stack[1:]):
        return
    while True:
        closed = stack.pop()
        stack[-1].children.append(closed.close())
        if closed.name.lower() == name.lower():
            return


def _split_name(row: str) -> tuple[str, str]:
    name, *rest = _APART.split(row, maxsplit=1)
    return name, rest[0] if rest else ""


def _word(raw: str, at: int) -> tuple[str, int]:
    quote = raw[at] if raw[at] in "\"'" else ""
    at += len(quote)
    out = []
    while at < len(raw):
        sign, following = raw[at], raw[at + 1 : at + 2]
        if sign == "\\" and following and following in ("\\", quote):
            out.append(following)
            at += 2
            continue
        at += 1
        if (sign == quote) if quote else (sign in _SPACE):
            break
        out.append(sign)
    return "".join(out), at


def walk(items: Sequence[Directive]) -> Iterator[Directive]:
    """These and everything inside, in order, at any depth (without recursion: the depth is somebody else's choice)."""
    waiting = list(reversed(items))
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(reversed(item.children))


def _addresses(word: str, ports: tuple[int, ...]) -> Iterator[tuple[str, int]]:
    address, port = _split_port(word)
    if address.lower() == "_default_":
        address = "*"
    if port.isascii() and port.isdigit():
        yield address, int(port[:9])
    elif port in ("", "*"):
        yield from ((address, each) for each in ports)


def _split_port(word: str) -> tuple[str, str]:
    """Address and port of `addr:port`, `[v6]:port`, `addr` or `[v6]`; the port is "" when there is none."""
    if word.startswith("["):
        address, _, rest = word[1:].partition("]")
        return address, rest.removeprefix(":")
    address, _, port = word.partition(":")
    return address, port


def _server_name(text: str) -> str:
    scheme, found, rest = text.partition("://")
    return (rest if found else scheme).partition(":")[0]


def _last_argument(items: Iterable[Directive], name: str) -> str | None:
    found = None
    for item in items:
        if item.name.lower() == name.lower() and item.args:
            found = item.args[0]
    return found
