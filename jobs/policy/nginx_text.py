"""Where the directives of an nginx file stand, to the character, and edits that leave everything else as it is.

The words are told apart exactly as nginx 1.22 does it (`ngx_conf_read_token`), because crossplane gives lines only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SPACE = " \t\r\n"
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\n]*?)?(?=\r?\n|\Z)")
_INDENT = re.compile(r"[ \t]*\Z")
_STEP = "    "


class NotUnderstood(ValueError):
    """The text can't be told apart; the message names the line."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one directive stands: from the first sign of its name to just behind its `;` or `}`.

    `words`: start and end of the name and each argument, quotes included. `opens`: just behind `{`; `closes`: at `}`.
    """

    name: str
    start: int
    end: int
    words: tuple[tuple[int, int], ...]
    opens: int | None = None
    closes: int | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """The text from `start` to `end` becomes `text`."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class _Open:
    """A block whose end has not come yet; `at` is its place in the list of spots."""

    at: int
    words: tuple[tuple[int, int], ...]
    opens: int


def scan(text: str) -> tuple[Spot, ...]:
    """Every directive, in the order of the first words. Raises NotUnderstood."""
    spots: list[Spot | None] = []
    stack: list[_Open] = []
    words: list[tuple[int, int]] = []
    at = 0
    while True:
        at = _skip(text, at)
        if at >= len(text):
            break
        sign = text[at]
        if sign not in ";{}":
            begins, at = at, _word_end(text, at)
            words.append((begins, at))
            continue
        at += 1
        if sign == "}":
            if words or not stack:
                raise NotUnderstood(f"line {_line(text, at)}: unexpected '}}'")
            block = stack.pop()
            spots[block.at] = _spot(text, block.words, at, block.opens, at - 1)
            continue
        if not words:
            raise NotUnderstood(f"line {_line(text, at)}: unexpected {sign!r}")
        if sign == "{":
            name = text[slice(*words[0])]
            if name.endswith("_by_lua_block"):
                raise NotUnderstood(f"line {_line(text, at)}: {name} holds a program in another language")
            stack.append(_Open(len(spots), tuple(words), at))
            spots.append(None)
        else:
            spots.append(_spot(text, tuple(words), at))
        words = []
    if words or stack:
        raise NotUnderstood(f"line {_line(text, at)}: unexpected end")
    return tuple(spot for spot in spots if spot is not None)


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits. They must not overlap; of several at one place, the order is that of `edits`."""
    parts, done = [], 0
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        if edit.start < done:
            raise ValueError(f"two edits overlap at {edit.start}")
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join(parts) + text[done:]


def put_first(text: str, block: Spot, *lines: str) -> Edit:
    """Put directives at the beginning of a block, in the manner of the lines that are there."""
    assert block.opens is not None and block.closes is not None
    rest = _REST_OF_LINE.match(text, block.opens)
    if rest is None:  # the block goes on in the same line
        return Edit(block.opens, block.opens, "".join(f" {line}" for line in lines))
    following = _skip_space(text, rest.end())
    inner = text[following:following + 1] not in ("}", "")
    indent = _indent(text, following) if inner else _indent(text, block.start) + _STEP
    end = "\r\n" if text[rest.end():].startswith("\r\n") else "\n"
    return Edit(rest.end(), rest.end(), "".join(f"{end}{indent}{line}" for line in lines))


def put_last(text: str, block: Spot, line: str) -> Edit:
    """Put a directive at the end of a block, on a line of its own if the closing brace has one."""
    assert block.closes is not None
    indent = _indent(text, block.closes)
    if text[: block.closes - len(indent)].endswith("\n"):
        at = block.closes - len(indent)
        end = "\r\n" if text[:at].endswith("\r\n") else "\n"
        return Edit(at, at, f"{indent}{_STEP}{line}{end}")
    return Edit(block.closes, block.closes, f" {line} ")


def replace_arguments(spot: Spot, argument: str) -> Edit:
    """Another argument in place of all that stand there."""
    return Edit(spot.words[1][0], spot.words[-1][1], argument)


def replace_whole(text: str, spot: Spot, lines: Iterable[str]) -> Edit:
    """Other lines in place of the directive; without any, its own line goes as well if it has one."""
    indent = _indent(text, spot.start)
    lines = tuple(lines)
    if lines:
        return Edit(spot.start, spot.end, f"\n{indent}".join(lines))
    begins = spot.start - len(indent)
    rest = _REST_OF_LINE.match(text, spot.end)
    alone = (begins == 0 or text[begins - 1] == "\n") and rest is not None and "#" not in rest.group()
    if not alone or rest is None:
        return Edit(spot.start, spot.end, "")
    end = rest.end()
    return Edit(begins, end + (2 if text[end:].startswith("\r\n") else 1 if end < len(text) else 0), "")


def _spot(
    text: str, words: tuple[tuple[int, int], ...], end: int, opens: int | None = None, closes: int | None = None
) -> Spot:
    name = text[slice(*words[0])]
    if name[:1] in "\"'":
        name = name[1:-1]
    return Spot(name, words[0][0], end, words, opens, closes)


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _skip(text: str, at: int) -> int:
    """Over white space and comments."""
    while (at := _skip_space(text, at)) < len(text) and text[at] == "#":
        end = text.find("\n", at)
        at = len(text) if end < 0 else end
    return at


def _word_end(text: str, at: int) -> int:
    """The end of the word that begins at `at`: a quote counts only there, `}` is an ordinary sign inside, and the
    brace of `${name}` belongs to the word."""
    quote = text[at] if text[at] in "\"'" else ""
    begins, variable = at, False
    at += len(quote)
    while at < len(text):
        sign = text[at]
        if quote and sign == quote:
            return _behind_quote(text, at + 1)
        if not quote and not (variable and sign == "{") and sign in _SPACE + ";{":
            return at
        variable = sign == "$" or (variable and sign == "{")
        at += 2 if sign == "\\" else 1
    raise NotUnderstood(f"line {_line(text, begins)}: a word without an end")


def _behind_quote(text: str, at: int) -> int:
    """Behind a quoted word nginx wants white space, `;`, `{` or `)`."""
    if at < len(text) and text[at] not in _SPACE + ";{)":
        raise NotUnderstood(f"line {_line(text, at)}: unexpected {text[at]!r} behind a quote")
    return at


def _indent(text: str, at: int) -> str:
    """The white space between `at` and what stands before it in its line."""
    match = _INDENT.search(text, 0, at)
    return match.group() if match else ""


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
