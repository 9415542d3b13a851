"""What is kept in `printed.json` as the tables that README shows: the aims of every part, and single tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.bench.figures import Aim, Measured, shown, table_rows

PRINTED = Path(__file__).with_name("printed.json")
"""What each part's last whole run measured. README's table and the growth charts are made of these."""

HEAD = ("part", "what", "measured", "aim", "")


def printed(path: Path = PRINTED) -> dict[str, Measured]:
    """By part; empty when nothing was kept yet."""
    if not path.exists():
        return {}
    return {part: Measured.from_json(raw) for part, raw in json.loads(path.read_text(encoding="utf-8")).items()}


def aims_table(parts: Mapping[str, Measured]) -> str:
    """A Markdown table, one row an aim, in the order in which the parts are named and told."""
    rows = [_row(HEAD), _row(["---"] * len(HEAD))]
    rows += [_row(_cells(part, aim)) for part, measured in sorted(parts.items()) for aim in measured.aims]
    return "\n".join(rows)


def figures_table(measured: Measured, name: str) -> str:
    """One table of a part, as Markdown. Raises ValueError when the part has no such table."""
    head, *rows = table_rows(measured, name)
    if not rows:
        known = sorted({figure.table for figure in measured.figures})
        raise ValueError(f"expected a table named {name!r}; there are {known}")
    return "\n".join(_row(cells) for cells in (head, ["---"] * len(head), *rows))


def _cells(part: str, aim: Aim) -> list[str]:
    bound = "at most" if aim.most else "at least"
    verdict = "reached" if aim.reached else "missed"
    return [f"`{part}`", aim.words, f"{shown(aim.got)} {aim.unit}", f"{bound} {shown(aim.limit)} {aim.unit}", verdict]


def _row(cells: list[str] | tuple[str, ...]) -> str:
    """A sign that ends a cell is written as one that does not."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
