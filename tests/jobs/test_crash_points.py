"""The switch by which tests make a process die: exact, loud when it is mistaken, and without any effect otherwise."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.crash_points import EXIT_CODE, POINTS, STEPS, UPGRADE_STEPS, VARIABLE, CrashPoints

ROOT = Path(__file__).resolve().parents[2]
PASSES = """
import threading
from jobs.crash_points import edges
def passes():
    try:
        for number in range(3):
            print(number, flush=True)
            with edges("reload"):
                pass
    finally:
        print("never", flush=True)
threading.Thread(target=passes).start()
threading.Event().wait(60)
"""


def run(wanted: str, code: str) -> subprocess.CompletedProcess[str]:
    environment = {VARIABLE: wanted, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(
    ("wanted", "seen"), [("before reload", "0\n"), ("after reload", "0\n"), ("before reload:3", "0\n1\n2\n")]
)
def test_the_whole_process_dies_at_that_time_without_another_word(wanted: str, seen: str) -> None:
    ended = run(wanted, PASSES)
    assert (ended.returncode, ended.stdout) == (EXIT_CODE, seen)
    assert ended.stderr == f"AUTOSSL_CRASH_AT: dead at '{wanted.partition(':')[0]}'\n"


@pytest.mark.parametrize("wanted", ["reload", "before relod", "before reload:0", "before reload:x", "before reload:-1"])
def test_a_name_that_is_not_known_stops_the_process_at_its_start(wanted: str) -> None:
    ended = run(wanted, "import jobs.order; print('begun')")
    assert ended.returncode == 1 and ended.stdout == ""
    assert f"got {wanted!r}" in ended.stderr


def test_nothing_happens_unless_it_is_asked_for() -> None:
    for point in POINTS:
        CrashPoints("").reached(point)


def test_every_point_is_in_the_product_and_no_other_one() -> None:
    found = {"edges": set[str](), "reached": set[str]()}
    for path in {*(ROOT / "jobs").rglob("*.py")} - {ROOT / "jobs" / "crash_points.py"}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in found:
                named = [one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
                found[node.func.id] |= {text for text in named if isinstance(text, str)}
    assert found["edges"] <= {*STEPS, *UPGRADE_STEPS}
    edges = {f"{edge} {step}" for step in found["edges"] for edge in ("before", "after")}
    assert edges | {text for text in found["reached"] if text in POINTS} == {*POINTS}
