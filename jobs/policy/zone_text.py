"""The text of a zone file (RFC 1035 section 5.1) as lines of tokens, each with its place, so that it can be edited.

A text is the file's bytes as ISO 8859-1, so that every byte comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|;[^\n]*)"
    r"|(?P<newline>\n)"
    r"|(?P<group>[()])"
    r'|(?P<quoted>"(?:[^"\\\n]|\\[^\n])*")'
    r'|(?P<word>(?:[^ \t\r\n;()"\\]|\\[^\n])+)'
)
_ODD = re.compile(r"\\(?:([0-9]{3})|(.))|([^\x21-\x7e])", re.DOTALL)
_FREE = re.compile(r"[a-z0-9_*/+-]")
"""What stands in a name without an escape."""


@dataclass(frozen=True, slots=True)
class Token:
    """`raw`: as written, the quotes of a quoted string included; it lies at `start` to `end` of the text."""

    raw: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or several that parentheses join: `start` is where its first line begins, `end` lies behind its last
    newline (or at the end of the text). `indented`: its first line begins with a blank, so that it names no owner."""

    tokens: tuple[Token, ...]
    start: int
    end: int
    indented: bool


def lines(text: str) -> Iterator[Line]:
    """The lines that hold more than blanks and comments. Raises ValueError with the line number for unbalanced quotes
    or parentheses."""
    start, at, depth, tokens = 0, 0, 0, []
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"line {_line_number(text, at)}: a quote or an escape has no end")
        at = match.end()
        kind = match.lastgroup
        if kind in ("word", "quoted"):
            tokens.append(Token(match[0], match.start(), at))
        elif kind == "group":
            depth += 1 if match[0] == "(" else -1
            if depth < 0:
                raise ValueError(f"line {_line_number(text, match.start())}: a parenthesis closes that none opened")
        elif kind == "newline" and not depth:
            if tokens:
                yield Line(tuple(tokens), start, at, text[start] in " \t")
            start, tokens = at, []
    if depth:
        raise ValueError(f"line {_line_number(text, start)}: a parenthesis is never closed")
    if tokens:
        yield Line(tuple(tokens), start, at, text[start] in " \t")


def absolute(raw: str, origin: str) -> str:
    """A name of a zone file as we write names: lower case, no final dot, the root as an empty text; odd characters
    keep an escape. `@` and relative names are taken below `origin`, which is written so already."""
    if raw == "@":
        return origin
    ends = raw.endswith(".") and (len(raw) - len(raw[:-1].rstrip("\\"))) % 2 == 1
    name = _ODD.sub(_plain, raw[:-1] if ends else raw).lower()
    return name if ends or not origin else f"{name}.{origin}"


def _plain(match: re.Match[str]) -> str:
    character = chr(int(match[1]) % 256) if match[1] else match[2] or match[3]
    return character if _FREE.match(character.lower()) else f"\\{ord(character):03d}"


def _line_number(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
