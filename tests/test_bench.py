"""What the benchmarks kept becomes a table and a picture that say just that."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench import __main__ as bench
from tests.bench.aims import aims_table, figures_table, printed
from tests.bench.chart import growth_svg
from tests.bench.figures import OURS, Aim, Figure, Measured, Point

SVG = "{http://www.w3.org/2000/svg}"


def grown(chart: str, line: str, factor: float) -> list[Point]:
    return [Point(chart, line, x, x * factor) for x in (100, 1_000, 10_000)]


def test_every_aim_is_a_row_with_what_was_got_its_limit_and_whether_it_was_reached() -> None:
    aims = [Aim("a night", 0.213, 0.3, "s", True), Aim("certbot's time by ours", 150.0, 200.0, "times", False)]
    assert aims_table({"night": Measured(aims=aims[:1]), "issue": Measured(aims=aims[1:])}).splitlines() == [
        "| part | what | measured | aim |  |",
        "| --- | --- | --- | --- | --- |",
        "| `issue` | certbot's time by ours | 150 times | at least 200 times | missed |",
        "| `night` | a night | 0.213 s | at most 0.3 s | reached |",
    ]


def test_a_sign_that_would_end_a_cell_does_not() -> None:
    assert r"| a \| b |" in aims_table({"x": Measured(aims=[Aim("a | b", 1, 2, "s", True)])})


def test_a_table_of_readme_compares_the_others_with_ours() -> None:
    took = {OURS: (1.0, 1.2, 1.1), "certbot": (220.0,)}
    figures = [Figure("100 x 1", subject, "time", values, "s") for subject, values in took.items()]
    assert figures_table(Measured(figures), "100 x 1").splitlines() == [
        "| 100 x 1 | time | times ours |",
        "| --- | --- | --- |",
        f"| {OURS} | 1.10 s (1.00-1.20) | 1.00 |",
        "| certbot | 220 s | 200 |",
    ]


def test_a_table_that_no_part_has_is_none() -> None:
    with pytest.raises(ValueError, match="expected a table named 'b'"):
        figures_table(Measured([Figure("a", OURS, "time", (1.0,), "s")]), "b")


def test_what_was_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = Measured([Figure("t", "s", "time", (1.0, 2.0), "s")], [Aim("w", 1, 2, "s", True)], grown("night", "s", 1))
    (tmp_path / "printed.json").write_text(json.dumps({"night": kept.to_json()}))
    assert printed(tmp_path / "printed.json") == {"night": kept}
    assert printed(tmp_path / "none.json") == {}


def test_a_chart_has_a_panel_for_time_and_one_for_memory() -> None:
    picture = ET.fromstring(growth_svg([*grown("night", "seconds", 0.001), *grown("night", "memory MB", 0.1)]))
    titles = [text.text for text in picture.iter(f"{SVG}text") if text.get("class") == "title"]
    assert titles == ["A night with nothing due: seconds", "A night with nothing due: memory, MB"]
    assert len(list(picture.iter(f"{SVG}polyline"))) == 2 and len(list(picture.iter(f"{SVG}circle"))) == 2 * 3


def test_linear_growth_is_as_steep_as_the_dashed_line() -> None:
    picture = ET.fromstring(growth_svg(grown("night", "seconds", 0.001)))
    (guide,) = [line for line in picture.iter(f"{SVG}line") if line.get("class") == "linear"]
    x1, y1, x2, y2 = (float(guide.get(key, "")) for key in ("x1", "y1", "x2", "y2"))
    (line,) = picture.iter(f"{SVG}polyline")
    first, *_, last = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
    assert (last[1] - first[1]) / (last[0] - first[0]) == pytest.approx((y2 - y1) / (x2 - x1), rel=0.01)


def test_milliseconds_are_drawn_as_seconds() -> None:
    one, other = (growth_svg(grown("pages", line, factor)) for line, factor in (("median ms", 1.0), ("median", 0.001)))
    assert one == other


def test_signs_of_markup_in_a_line_are_text() -> None:
    label = '<script>"&'
    picture = ET.fromstring(growth_svg(grown("night", label, 1)))
    assert label in {text.text for text in picture.iter(f"{SVG}text")}


def test_points_of_which_no_chart_is_made_are_left_out() -> None:
    assert growth_svg(grown("metrics", "median ms", 1)) == growth_svg([])


def test_what_is_kept_is_drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "PRINTED", tmp_path / "printed.json")
    monkeypatch.setattr(bench, "GROWTH", tmp_path / "growth.svg")
    bench._keep({"night": Measured(points=grown("night", "seconds", 1))})
    bench._keep({"pages": Measured(points=grown("pages", "median ms", 1))})
    assert sorted(printed(tmp_path / "printed.json")) == ["night", "pages"]
    assert len(re.findall('class="title"', (tmp_path / "growth.svg").read_text())) == 2
