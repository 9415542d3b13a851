"""What processes use, read from /proc; and when they have come to rest."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

CALM, LOW = 2.0, 0.04
"""Seconds in which so little processor time is used, and how much: then a process is at rest."""

_SETTLES_WITHIN = 240.0
_TICKS = os.sysconf("SC_CLK_TCK")


def processor_time(pids: Iterable[int]) -> float:
    """Seconds that these processes have used so far, with those children of theirs that have ended."""
    return sum(sum(map(int, _after_name(Path("/proc", str(pid), "stat"))[11:15])) for pid in pids) / _TICKS


def memory(pid: int) -> float:
    """MB that a process has in memory now."""
    for line in Path("/proc", str(pid), "status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def settled(pids: Iterable[int]) -> float:
    """Wait until they are at rest; the processor time that they have used by then. Raises TimeoutError."""
    ends, processes = time.monotonic() + _SETTLES_WITHIN, list(pids)
    used = processor_time(processes)
    while time.monotonic() < ends:
        time.sleep(CALM)
        before, used = used, processor_time(processes)
        if used - before <= LOW:
            return used
    raise TimeoutError(f"processes {processes} still work after {_SETTLES_WITHIN:g} s")


def _after_name(path: Path) -> list[str]:
    """Fields of a stat file from the third on: the second, the name, may hold anything (proc(5))."""
    return path.read_text(encoding="utf-8").rpartition(")")[2].split()
