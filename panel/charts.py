"""Pictures as numbers: where the parts of an SVG stand. The templates draw them, and say the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.wiring.overview import Expiries, Figures, ServiceFacts

WIDTH, HEIGHT = 520, 150
_TOP, _LABELS = 18, 20
"""Room for the number above the highest bar, and for the date below each."""

_GAP = 0.28
"""Between two bars, as a part of the room that one has."""


@dataclass(frozen=True)
class Ring:
    """A circle of length 100, of which `part` is drawn. `percent` is rounded down: 100 means all."""

    part: float
    percent: int


@dataclass(frozen=True)
class Bar:
    """`x`, `y`, `width`, `height` of the bar; `middle`, where its texts are centred; `label` where there is room."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    number: int
    label: str
    title: str


@dataclass(frozen=True)
class Share:
    """A part of a line of length 100, from `x` on."""

    x: float
    width: float
    kind: str


def ring(figures: Figures) -> Ring | None:
    """How much is covered; None while nobody knows, or nothing is wanted."""
    if not figures.names:
        return None
    part = min(figures.covered / figures.names, 1)
    return Ring(round(part * 100, 2), int(part * 100))


def bars(expiries: Expiries) -> tuple[Bar, ...]:
    """One a week; the highest one fills the height."""
    room = WIDTH / len(expiries.weeks)
    width = room * (1 - _GAP)
    most = max((week.ending for week in expiries.weeks), default=0)
    floor = HEIGHT - _LABELS
    made = []
    for number, week in enumerate(expiries.weeks):
        height = (floor - _TOP) * week.ending / most if most else 0
        height = max(height, 2) if week.ending else 0
        left = number * room + (room - width) / 2
        made.append(
            Bar(
                x=round(left, 1),
                y=round(floor - height, 1),
                width=round(width, 1),
                height=round(height, 1),
                middle=round(left + width / 2, 1),
                number=week.ending,
                label=f"{week.first:%b} {week.first.day}" if number % 2 == 0 else "",
                title=f"{week.first:%Y-%m-%d} to {week.last:%Y-%m-%d}: {week.ending}",
            )
        )
    return tuple(made)


def shares(service: ServiceFacts) -> tuple[Share, ...]:
    """Served, failed and the rest of a service's websites."""
    rest = service.total - service.served - service.failed
    return _line((("good", service.served), ("bad", service.failed), ("idle", rest)), service.total)


def _line(parts: Sequence[tuple[str, int]], total: int) -> tuple[Share, ...]:
    made, x = [], 0.0
    for kind, number in parts:
        width = 100 * number / total if total else 0
        if number:
            made.append(Share(round(x, 2), round(width, 2), kind))
        x += width
    return tuple(made)
