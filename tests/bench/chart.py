"""The growth charts of `printed.json` as one SVG file, which README shows: time and memory against websites.

Both axes are logarithmic, so what grows with the number of websites is as steep as the dashed line. One row a part,
time on its left and memory on its right; a line whose name ends in MB is memory, one in `ms` is drawn in seconds.
Colours follow the reader's choice of light or dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.bench.figures import Measured, Point, shown

GROWTH = Path(__file__).with_name("growth.svg")
CHARTS = {
    "issue": "A whole check, all of it new",
    "night": "A night with nothing due",
    "install": "Installing, our own share",
    "pages": "A page of the panel, by accounts",
}
WIDTH, LEFT, PANEL, GAP = 880, 56, 350, 88
HEAD, PLOT, FOOT = 64, 150, 44
UNITS = {"MB", "memory", "ms", "seconds"}
"""Words of a line's name that its panel says already."""

FOOTNOTE = "Dashed: as much more as there are more websites."
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333 }
.title { font-weight: 600; font-size: 13px }
.axis { stroke: #888; fill: none }
.grid { stroke: #888; stroke-opacity: .22 }
.linear { stroke: #888; stroke-dasharray: 3 4; fill: none }
.line { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""
COLOURS = ("#0a84d6", "#e0651a", "#12a37a", "#c264a8")
"""Each can be told from the others by who sees less colour, on white and on black."""

Lines = Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Axis:
    """Powers of ten from `least` to `most`, as exponents, over `length` pixels from `start`."""

    least: int
    most: int
    start: float
    length: float

    def at(self, value: float) -> float:
        return self.start + (math.log10(value) - self.least) / (self.most - self.least) * self.length

    @property
    def tens(self) -> list[float]:
        return [10.0**exponent for exponent in range(self.least, self.most + 1)]


def write_growth(printed: Mapping[str, Measured], path: Path = GROWTH) -> None:
    path.write_text(growth_svg([point for part in printed.values() for point in part.points]), encoding="utf-8")


def growth_svg(points: Iterable[Point]) -> str:
    """A row for each of CHARTS that has points."""
    found = [point for point in points if point.x > 0 and point.y > 0]
    charts = [name for name in CHARTS if any(point.chart == name for point in found)]
    height = len(charts) * (HEAD + PLOT + FOOT) + 20
    picture = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", role="img")
    ET.SubElement(picture, "title").text = "Time and memory against the number of websites"
    ET.SubElement(picture, "style").text = STYLE
    for row, name in enumerate(charts):
        own = [point for point in found if point.chart == name]
        for column, memory in enumerate((False, True)):
            lines = _lines(own, memory)
            if lines:
                what = f"{CHARTS[name]}: {'memory, MB' if memory else 'seconds'}"
                at = LEFT + column * (PANEL + GAP), row * (HEAD + PLOT + FOOT)
                _panel(picture, what, lines, at)
    _text(picture, LEFT, height - 8, FOOTNOTE)
    ET.indent(picture)
    return ET.tostring(picture, encoding="unicode") + "\n"


def _lines(points: Iterable[Point], memory: bool) -> dict[str, list[tuple[float, float]]]:
    lines: dict[str, list[tuple[float, float]]] = {}
    for point in sorted(points, key=lambda point: point.x):
        words = point.line.split()
        if words and (words[-1] == "MB") is memory:
            scale = 0.001 if words[-1] == "ms" else 1.0
            label = " ".join(word for word in words if word not in UNITS).rstrip(",")
            lines.setdefault(label, []).append((point.x, point.y * scale))
    return lines


def _panel(picture: ET.Element, title: str, lines: Lines, at: tuple[float, float]) -> None:
    left, top = at
    every = [pair for pairs in lines.values() for pair in pairs]
    across = _axis([x for x, _ in every], left, PANEL)
    up = _axis([y for _, y in every], top + HEAD + PLOT, -PLOT)
    _text(picture, left, top + 18, title, "title")
    _legend(picture, lines, left, top + 38)
    for x in across.tens:
        _rule(picture, (across.at(x), up.start), (across.at(x), up.start - PLOT), "grid")
        _text(picture, across.at(x), up.start + 18, f"{x:,.0f}", anchor="middle")
    for y in up.tens:
        _rule(picture, (left, up.at(y)), (left + PANEL, up.at(y)), "grid")
        _text(picture, left - 8, up.at(y) + 4, shown(y) if y < 1 else f"{y:,.0f}", anchor="end")
    _rule(picture, (left, up.start), (left + PANEL, up.start), "axis")
    _linear(picture, across, up, min(every))
    for number, pairs in enumerate(lines.values()):
        colour, places = COLOURS[number % len(COLOURS)], [(across.at(x), up.at(y)) for x, y in pairs]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        ET.SubElement(picture, "polyline", {"class": "line", "stroke": colour, "points": way})
        for x, y in places:
            ET.SubElement(picture, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3.5", fill=colour)


def _axis(values: Sequence[float], start: float, length: float) -> Axis:
    least, most = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return Axis(least, max(most, least + 1), start, length)


def _linear(picture: ET.Element, across: Axis, up: Axis, first: tuple[float, float]) -> None:
    """As far as the panel goes, from the first point on."""
    x, y = first
    times = min(across.tens[-1] / x, up.tens[-1] / y)
    end = across.at(x * times), up.at(y * times)
    _rule(picture, (across.at(x), up.at(y)), end, "linear")


def _legend(picture: ET.Element, lines: Lines, left: float, top: float) -> None:
    """Two beside each other; none for a line that has no name."""
    for number, label in enumerate(lines):
        if not label:
            continue
        x, y = left + number % 2 * (PANEL / 2), top + number // 2 * 16
        colour = COLOURS[number % len(COLOURS)]
        ET.SubElement(picture, "circle", cx=f"{x + 4:.1f}", cy=f"{y - 4:.1f}", r="4", fill=colour)
        _text(picture, x + 14, y, label)


def _text(picture: ET.Element, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
    given = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, **({"class": kind} if kind else {})}
    ET.SubElement(picture, "text", given).text = words


def _rule(picture: ET.Element, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
    (x1, y1), (x2, y2) = ((f"{x:.1f}", f"{y:.1f}") for x, y in (start, end))
    ET.SubElement(picture, "line", {"class": kind, "x1": x1, "y1": y1, "x2": x2, "y2": y2})
