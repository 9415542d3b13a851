"""The harness of the long tests counts what its parts say, and fails for what they lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.soak import __main__ as soak
from tests.soak.counts import Report, table

Run = Callable[..., int]


@pytest.fixture
def soaked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs one part that is this function; returns the exit code."""

    def run(part: Callable[[Report], None], *arguments: str) -> int:
        module = ModuleType("made_here", "A part of this test.")
        module.run = part  # type: ignore[attr-defined]
        monkeypatch.setattr(soak, "parts", lambda named=(): {"made_here": module})
        return soak.main([*arguments, "--json", str(tmp_path / "counts.json")])

    return run


def test_a_part_that_lost_nothing_passes(
    soaked: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def part(report: Report) -> None:
        report.fault("SIGKILL", 3)
        report.order(2)
        report.issued(2)
        report.figure("orders necessary", 2)

    assert soaked(part) == 0
    written = json.loads((tmp_path / "counts.json").read_text())
    assert written["good"] and written["total"]["injected"] == 3 and written["total"]["orders"] == 2
    said = capsys.readouterr().out
    assert "3 faults injected, 2 orders, 2 certificates issued; 0 certificates lost" in said
    assert "orders necessary" in said


@pytest.mark.parametrize("what", ["lost", "duplicate", "down", "broken"])
def test_what_a_part_lost_fails_the_soak_and_is_told(
    soaked: Run, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert soaked(lambda report: getattr(report, what)("shop.test: no certificate")) == 1
    said = capsys.readouterr().out
    assert f"! {what}: shop.test: no certificate" in said and "FAILED: made_here." in said


def test_a_part_that_raises_has_failed(soaked: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def part(report: Report) -> None:
        raise RuntimeError("apache does not start")

    assert soaked(part) == 1
    assert "! broken: it ended early: RuntimeError: apache does not start" in capsys.readouterr().out


def test_a_seed_gives_every_part_the_same_choices_again(soaked: Run) -> None:
    drawn = []
    for seed in ("7", "7", "8"):
        soaked(lambda report: drawn.append(report.random.random()), "--seed", seed)
    assert drawn[0] == drawn[1] != drawn[2]


def test_counts_come_out_of_another_process_as_they_were() -> None:
    inside, outside = Report("part", 1), Report("part", 1)
    inside.fault("outage")
    inside.lost("shop.test")
    inside.figure("slowest", 1.25, "s")
    outside.take_over(inside.to_json())
    assert table("part", outside.counts) == table("part", inside.counts)


def test_a_part_that_nobody_knows_is_refused(soaked: Run) -> None:
    with pytest.raises(SystemExit) as ended:
        soaked(lambda report: None, "elsewhere")
    assert ended.value.code == 2


def test_every_part_says_what_it_is() -> None:
    for name, module in soak.parts().items():
        assert len(soak.title(module)) > 10, name
