"""One table of issuing: so many websites with so many names each, and every subject measured on a host of its own."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.bench.figures import OURS, Report
from tests.bench.fresh_host import measured_inside

WHOLE, PROTOCOL = f"{OURS}, whole check", f"{OURS}, protocol alone"
STOPPED = "ours, mail stopped"
_TRIES = 12
"""How often a measurement in which the CA hangs is begun anew."""


@dataclass(frozen=True, eq=False)
class Round:
    """One table: so many websites with so many names each, and how often each subject is measured."""

    count: int
    names: int
    runs: dict[str, int] = field(default_factory=dict)
    validates_within: int = 0
    longest: float = 900.0
    """Seconds that one measurement may take."""

    def __str__(self) -> str:
        slow = f", a CA that takes 0-{self.validates_within} s to validate" if self.validates_within else ""
        return f"{self.count} websites x {self.names} name{'s' if self.names > 1 else ''}{slow}"


@dataclass
class Times:
    """Of one subject in one round, a value for each run."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def add(self, seconds: float, cpu: float, memory: float | None = None) -> None:
        self.seconds.append(seconds)
        self.cpu.append(cpu)
        if memory is not None:
            self.memory.append(memory)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


class Measure(Protocol):
    """`fresh_host.measured_inside`, or what a test has in its place."""

    def __call__(self, module: str, *words: str, timeout: float) -> Any: ...


Found = dict[str, Times]
"""By subject as the table has it."""


def measured_round(report: Report, around: Round) -> Found:
    """All measurements of one table, told to the report. Raises RuntimeError, see `one_measurement`."""
    found: Found = {}
    for subject, runs in around.runs.items():
        for number in range(runs):
            report.say(f"{around}: {subject}, {number + 1} of {runs}")
            _add(found, subject, one_measurement(report, around, subject))
    for subject, times in found.items():
        report.took(str(around), subject, "time", times.seconds, "s")
        report.took(str(around), subject, "CPU", times.cpu, "s")
        if times.memory:
            report.took(str(around), subject, "memory", times.memory, "MB")
    return found


def _add(found: Found, subject: str, one: Mapping[str, Any]) -> None:
    """Of ours the ACME part is clocked within the run of the whole; its memory is that of the whole."""
    acme = tuple(one["acme"])
    if subject == "protocol":
        found.setdefault(PROTOCOL, Times()).add(*acme)
    elif subject in ("ours", STOPPED):
        found.setdefault(OURS, Times()).add(*acme)
        found.setdefault(WHOLE, Times()).add(one["seconds"], one["cpu"], one["memory"])
    else:
        found.setdefault(subject, Times()).add(one["seconds"], one["cpu"], one["memory"])


def one_measurement(
    report: Report, around: Round, subject: str, measured: Measure = measured_inside
) -> Mapping[str, Any]:
    """One measurement in a private host of its own, begun anew when the CA hung. Raises RuntimeError when it hangs
    again and again, and where a certificate is not what it has to be."""
    words = (subject, str(around.count), str(around.names), str(around.validates_within))
    for _ in range(_TRIES):
        one: Mapping[str, Any] = measured("tests.bench.issuing", *words, timeout=around.longest)
        if one["troubles"]:
            raise RuntimeError(f"{around}, {subject}: {'; '.join(one['troubles'][:3])}")
        if not one["hung"]:
            return one
        report.note(f"{around}, {subject}: Pebble hung; that run was thrown away, and made anew with a new Pebble")
    raise RuntimeError(f"{around}, {subject}: Pebble hung {_TRIES} times")
