"""How long commands take that do little: the program's own start-up.

Each as a process of its own, from the virtual environment and, where `dist/` has it, as the one file. The first run of
each is not counted: it reads the files from the disk, and the one file unpacks itself once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Report

ROOT = Path(__file__).resolve().parents[2]
VENV, ONE_FILE = Path(sys.executable).with_name("autossl"), ROOT / "dist" / "autossl.pyz"
COMMANDS = (
    ("--help",), ("--version",), ("check", "--help"), ("status",), ("provider", "list"),
    ("queue", "list"), ("log", "list"),
)


def run(report: Report) -> None:
    runs = 3 if report.quick else 15
    programs = {"autossl (virtual environment)": VENV}
    if ONE_FILE.exists():
        programs["autossl.pyz"] = ONE_FILE
    else:
        report.note(f"{ONE_FILE}: there is none, so it was not measured; `bash tests/run build` makes it")
    for name, program in programs.items():
        with tempfile.TemporaryDirectory(prefix="autossl-bench-") as directory:
            environment = {**os.environ, "AUTOSSL_INSTANCE": f"{directory}/instance"}
            _run(program, ("init", "--admin", "root"), environment)
            for words in COMMANDS:
                times = [_run(program, words, environment) for _ in range(runs + 1)][1:]
                figure = report.took(name, f"autossl {' '.join(words)}", "time", times, "s")
                if words == ("--help",):
                    report.at_most(f"{name}: autossl --help", figure.median, 0.3, "s")


def _run(program: Path, words: tuple[str, ...], environment: dict[str, str]) -> float:
    """Seconds of one call."""
    began = time.monotonic()
    subprocess.run([program, *words], check=True, stdout=subprocess.DEVNULL, env=environment, cwd="/")
    return time.monotonic() - began
