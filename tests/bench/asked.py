"""The panel asked by processes of their own (`tests.bench.visitors`), and what they tell put into a report."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from jobs.demo.product import PANEL_PORT
from tests.bench.figures import Report


def percentile(times: Sequence[float], part: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def took(report: Report, table: str, subject: str, quantity: str, times: Sequence[float]) -> None:
    """Median and 99th percentile, which say more than the spread."""
    report.took(table, subject, f"{quantity}, median", [statistics.median(times)], "ms")
    report.took(table, subject, f"{quantity}, p99", [percentile(times, 0.99)], "ms")


def one_client(cookie: str, every: Sequence[tuple[str, str]], rounds: int, port: int = PANEL_PORT) -> list[list[float]]:
    asked = [(path, partial) for _, path in every for partial in (False, True)]
    told = ask("one", cookie, port, asked=asked, rounds=rounds)
    refuse_wrong([path for (path, _), statuses in zip(asked, told["statuses"], strict=True) if statuses != [200]])
    times: list[list[float]] = told["times"]
    return times


def ask(way: str, cookie: str, port: int = PANEL_PORT, **more: Any) -> Any:
    return ended(begun(way, cookie, port, **more))


def begun(way: str, cookie: str, port: int = PANEL_PORT, **more: Any) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.visitors", str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"way": way, "cookie": cookie, **more}) + "\n")
    process.stdin.flush()
    return process


def ended(process: subprocess.Popen[str]) -> Any:
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("the visitors ended early; their words are above")
    return json.loads(said)


def refuse_wrong(wrong: Any) -> None:
    if wrong:
        raise RuntimeError(f"not every page was answered: {wrong}")
