"""Changes single directives in the text of a configuration file of somebody else's; every other byte stays.

A file is bytes: what encoding it has, and how its lines end, is its owner's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.policy.apache_config import arguments
from jobs.policy.marked_lines import FORMER


class NotEditable(ValueError):
    """The text is not what Apache said it is; the message says where."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of one directive (or of the opening line of a section).

    `line` (from 1) is the last of its lines, as Apache counts; `name` and `args` are what Apache read there, to be sure
    that it is the one. `lines` come in its place, or behind it with `behind`; the former text stays as a comment when
    `kept`.
    """

    line: int
    name: str
    args: tuple[str, ...]
    lines: tuple[str, ...] = ()
    behind: bool = False
    kept: bool = False


def edited(content: bytes, edits: Iterable[Edit]) -> bytes:
    """`content` with every edit made; several of one line are one if they are the same. Raises NotEditable."""
    rows = content.decode("latin-1").split("\n")  # one sign a byte, and back
    chosen: dict[int, Edit] = {}
    for edit in edits:
        if chosen.setdefault(edit.line, edit) != edit:
            raise NotEditable(f"line {edit.line}: two different changes are wanted")
    for line in sorted(chosen, reverse=True):
        first = _first_row(rows, chosen[line])
        rows[first:line] = _changed(rows[first:line], chosen[line], rows[line:])
    return "\n".join(rows).encode("latin-1")


def _first_row(rows: Sequence[str], edit: Edit) -> int:
    """Where the directive begins (from 0), if it is the one that Apache read. A line that ends in a backslash goes on
    in the next one. A `$` may be a variable, whose value only Apache knows."""
    if not 0 < edit.line <= len(rows):
        raise NotEditable(f"line {edit.line}: the file has {len(rows)} lines")
    first = edit.line - 1
    while first > 0 and _continued(rows[first - 1]):
        first -= 1
    parts = [_ended(row).removesuffix("\\") for row in rows[first : edit.line - 1]]
    text = "".join([*parts, _ended(rows[edit.line - 1])]).strip()
    if edit.behind:
        text = text.removeprefix("<").rpartition(">")[0]
    name, _, raw = text.replace("\t", " ").partition(" ")
    same = arguments(raw) == edit.args or "$" in raw or not raw.isascii()
    if name.lower() != edit.name.lower() or not same:
        expected = " ".join([edit.name, *edit.args])
        raise NotEditable(f"line {edit.line}: expected {expected!r}, as Apache read it, found {text[:200]!r}")
    return first


def _changed(rows: list[str], edit: Edit, following: Sequence[str]) -> list[str]:
    indent = rows[0][: len(rows[0]) - len(rows[0].lstrip(" \t"))]
    end = "\r" if rows[0].endswith("\r") else ""
    if edit.behind:
        step = following[0] if following else ""
        deeper = step[: len(step) - len(step.lstrip(" \t"))] if step.strip() else ""
        indent = deeper if len(deeper) > len(indent) else f"{indent}    "
        return [*rows, *(f"{indent}{line}{end}" for line in edit.lines)]
    former = [f"{indent}{FORMER}{rows[0][len(indent):]}", *rows[1:]] if edit.kept else []
    return [*former, *(f"{indent}{line}{end}" for line in edit.lines)]


def _ended(row: str) -> str:
    return row.removesuffix("\r")


def _continued(row: str) -> bool:
    return _ended(row).endswith("\\")
