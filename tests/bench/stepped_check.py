"""`autossl` with a clock on each step of a check: `python -m tests.bench.stepped_check FD WORD...`

Does what `autossl WORD...` does, in the same process, and writes to FD as JSON the seconds of each step. What is before
the first one is the program's start and what a run begins with; what is after the last, its report.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jobs import check
from jobs.wiring import checks, setup
from panel.cli import main as autossl

BEGIN, END = "start of the program and the run", "end"
STEPS = (
    (setup, "refresh", "set up what is new"),
    (checks, "discover", "discover"),
    (check, "decide_each", "decide"),
    (check, "preflight_names", "preflight"),
    (check, "plan_each", "plan"),
    (check, "order_everywhere", "order and store"),
    (check, "install", "install on {}"),
    (check, "record", "record"),
    (checks, "tell_of_run", "tell"),
)
"""Which function is which step; of one that does it for a service at a time, its name is put in."""


class Steps:
    """Seconds by step, in the order in which they began."""

    def __init__(self) -> None:
        self.began = _process_began()
        self.seconds: dict[str, float] = {}

    def on_steps(self) -> None:
        """From now on, every step of a check is timed."""
        for module, name, step in STEPS:
            setattr(module, name, self._clocked(step, getattr(module, name)))

    def _clocked(self, step: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def clocked(*words: Any, **more: Any) -> Any:
            start = time.monotonic()
            self.seconds.setdefault(BEGIN, start - self.began)
            named = step.format(getattr(words[0], "name", ""))
            try:
                return act(*words, **more)
            finally:
                self.seconds[named] = self.seconds.get(named, 0.0) + time.monotonic() - start

        return clocked

    def end(self) -> dict[str, float]:
        whole = time.monotonic() - self.began
        return {**self.seconds, END: whole - sum(self.seconds.values())}


def _process_began() -> float:
    """When this process was started, on the clock of `time.monotonic` (proc(5): field 22 of stat, since boot)."""
    ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[19])
    return time.monotonic() - (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))


def main(words: Sequence[str]) -> None:
    steps = Steps()
    steps.on_steps()
    try:
        autossl(list(words[1:]), prog_name="autossl")
    finally:
        with os.fdopen(int(words[0]), "w", encoding="utf-8") as sink:
            json.dump(steps.end(), sink)


if __name__ == "__main__":
    main(sys.argv[1:])
