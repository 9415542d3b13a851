"""What a bench part measures: quantities of subjects in tables, aims that they are held to, points of growth.

A part gets one `Report` and tells it, in whatever order:

    report.took("100 websites x 1 name", "certbot", "time", [238.1], "s")    one quantity of one subject of one table
    report.took("100 websites x 1 name", OURS, "time", [1.2, 1.1], "s")      each value is one run; shown are median and
                                                                             spread, and how many times ours it is
    report.at_most("a night over 1,000 websites", 0.21, 0.3, "s")            an aim: what was got, and its limit
    report.at_least("certbot's time by ours", 312.0, 200.0, "times")
    report.point("night", "seconds", 1_000, 0.21)                            of a growth chart: chart, line, x, y
    report.note("Pebble hung once and was started again")                    what a reader of the figures must know
    report.say("certbot: 40 of 100")                                         progress, on stderr

`report.quick`: as little as still shows the point, for a first look; its figures are not kept.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

OURS = "AutoSSL Panel"
"""The subject that the others of a table are compared with."""

COMPARED = "time"
"""The quantity by which they are."""


@dataclass(frozen=True)
class Figure:
    """One quantity of one subject: a value for each run."""

    table: str
    subject: str
    quantity: str
    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        if len(self.values) == 1:
            return f"{shown(self.median)} {self.unit}"
        return f"{shown(self.median)} {self.unit} ({shown(min(self.values))}-{shown(max(self.values))})"


@dataclass(frozen=True)
class Aim:
    """`got` has to be at most `limit`, or at least."""

    words: str
    got: float
    limit: float
    unit: str
    most: bool

    @property
    def reached(self) -> bool:
        return self.got <= self.limit if self.most else self.got >= self.limit

    def __str__(self) -> str:
        verdict = "reached" if self.reached else "MISSED "
        bound = f"{'at most' if self.most else 'at least'} {shown(self.limit)} {self.unit}"
        return f"{verdict} {self.words}: {shown(self.got)} {self.unit} ({bound})"


@dataclass(frozen=True)
class Point:
    """Of a growth chart: at `x` websites `y`, in the line's own unit."""

    chart: str
    line: str
    x: float
    y: float


@dataclass
class Measured:
    """All that one part found."""

    figures: list[Figure] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(raw: dict[str, Any]) -> Measured:
        return Measured(
            [Figure(**{**one, "values": tuple(one["values"])}) for one in raw["figures"]],
            [Aim(**one) for one in raw["aims"]],
            [Point(**one) for one in raw["points"]],
            list(raw["notes"]),
            raw["seconds"],
        )


class Report:
    """Of one part."""

    def __init__(self, part: str, quick: bool = False) -> None:
        self.part, self.quick = part, quick
        self.measured = Measured()
        self._began = time.monotonic()

    def took(self, table: str, subject: str, quantity: str, values: Sequence[float], unit: str) -> Figure:
        figure = Figure(table, subject, quantity, tuple(values), unit)
        self.measured.figures.append(figure)
        return figure

    def at_most(self, words: str, got: float, limit: float, unit: str) -> None:
        self.measured.aims.append(Aim(words, got, limit, unit, most=True))

    def at_least(self, words: str, got: float, limit: float, unit: str) -> None:
        self.measured.aims.append(Aim(words, got, limit, unit, most=False))

    def point(self, chart: str, line: str, x: float, y: float) -> None:
        self.measured.points.append(Point(chart, line, x, y))

    def note(self, text: str) -> None:
        self.measured.notes.append(text)
        self.say(text)

    def say(self, text: str) -> None:
        sys.stderr.write(f"[{self.part} {time.monotonic() - self._began:6.1f} s] {text}\n")
        sys.stderr.flush()

    def finish(self) -> None:
        self.measured.seconds = time.monotonic() - self._began

    def to_json(self) -> str:
        return json.dumps(self.measured.to_json())

    def take_over(self, raw: dict[str, Any]) -> None:
        """What the same part found, that ran in another process."""
        self.measured = Measured.from_json(raw)


def shown(value: float) -> str:
    """Three digits that count, and no more of them than that."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def tables(measured: Measured) -> str:
    """Every table with a line for each subject, then the aims and the notes."""
    names = dict.fromkeys(figure.table for figure in measured.figures)
    blocks = ["\n".join(_aligned(table_rows(measured, name))) for name in names]
    lines = [str(aim) for aim in measured.aims] + [f"note: {note}" for note in measured.notes]
    return "\n\n".join([*blocks, *(["\n".join(lines)] if lines else [])])


def table_rows(measured: Measured, name: str) -> list[list[str]]:
    """The cells of one table, its head first; where there are others beside ours, the last column compares them."""
    figures = [figure for figure in measured.figures if figure.table == name]
    quantities = list(dict.fromkeys(figure.quantity for figure in figures))
    subjects = list(dict.fromkeys(figure.subject for figure in figures))
    cells = {(figure.subject, figure.quantity): figure for figure in figures}
    own = cells.get((OURS, COMPARED))
    compared = own is not None and own.median > 0 and len(subjects) > 1
    rows = [[name, *quantities, *(["times ours"] if compared else [])]]
    for subject in subjects:
        row = [subject, *(str(cells.get((subject, quantity), "")) for quantity in quantities)]
        other = cells.get((subject, COMPARED))
        if compared and own is not None:
            row.append(shown(other.median / own.median) if other else "")
        rows.append(row)
    return rows


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        first, *others = zip(row, widths, strict=True)
        cells = [f"{first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in others)]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return lines
