"""How the command line shows things: answers, and tables that fit a terminal."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 100
_GAP = "  "
_NARROWEST = 8


@dataclass(frozen=True)
class Answer:
    """What a command found: `data` for `--json`, `text` for a person, `ok` for the exit code."""

    data: Any
    text: str
    ok: bool = True


def plain(text: str) -> str:
    """`text` on one line, without what could steer a terminal: much of it comes from CAs and other people's files."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)


def json_text(value: Any, indent: int | None = None) -> str:
    """`value` as JSON, in which nothing steers a terminal either: where something would, all but ASCII is escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text if text.replace("\n", "").isprintable() else json.dumps(value, indent=indent)


def table(head: Sequence[str], rows: Sequence[Sequence[object]], width: int = WIDTH) -> str:
    """Aligned columns within `width` characters. Long cells go on below; nothing is cut off."""
    cells = [[plain("" if value is None else str(value)) for value in row] for row in rows]
    widths = _fit([max(len(row[at]) for row in [list(head), *cells]) for at in range(len(head))], width)
    lines = [*_row(head, widths), _GAP.join("-" * size for size in widths)]
    for row in cells:
        lines += _row(row, widths)
    return "\n".join(lines)


def facts(pairs: Sequence[tuple[str, object]], width: int = WIDTH) -> str:
    """`label  value` lines, the values below each other."""
    size = max(len(label) for label, _ in pairs)
    lines = []
    for label, value in pairs:
        shown = plain("-" if value is None or value == "" else str(value))
        lines += textwrap.wrap(
            shown, width, initial_indent=label.ljust(size) + _GAP, subsequent_indent=" " * (size + len(_GAP)),
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def yes(value: object) -> str:
    return "yes" if value else "no"


def day(stamp: str | None) -> str:
    """The date of an ISO 8601 stamp."""
    return (stamp or "-")[:10]


def count(number: int, noun: str) -> str:
    """`1 website`, `2 websites`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _fit(wanted: list[int], width: int) -> list[int]:
    """Take width from the widest column, one by one, until all fit."""
    widths = [max(size, 1) for size in wanted]
    room = width - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    wrapped = [
        textwrap.wrap(cell, size, break_on_hyphens=False) or [""] for cell, size in zip(cells, widths, strict=True)
    ]
    height = max(len(lines) for lines in wrapped)
    padded = [lines + [""] * (height - len(lines)) for lines in wrapped]
    return [
        _GAP.join(lines[at].ljust(size) for lines, size in zip(padded, widths, strict=True)).rstrip()
        for at in range(height)
    ]
