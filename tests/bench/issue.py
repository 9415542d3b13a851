"""Issuing: certificates for many websites, beside certbot, lego, uacme, dehydrated, mod_md and Caddy.

Every measurement has a private host of its own (`fresh_host.py`): the same websites, name server, Apache and Pebble,
and nothing of an earlier one. Each subject works in its own default way, with ECDSA keys on P-256, and has its account
before the clock runs; afterwards it is checked that each certificate is there and right. Ours is shown as its ACME part
(from the plans to the stored sets, as the peers have neither preflight nor installation), as the whole
`autossl check --all` (a new process, preflight, order, store, installation on Apache, Dovecot and Exim), and as the
protocol alone (no rows, no store), so that one sees what those cost.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.bench.figures import OURS, Report
from tests.bench.fresh_host import measured_inside

WHOLE, PROTOCOL = f"{OURS}, whole check", f"{OURS}, protocol alone"
STOPPED = "ours, mail stopped"
_LONGEST = 900.0
_TRIES = 12
"""How often a measurement in which the CA hangs is begun anew."""

_SLOW = 3
"""Seconds: the longest validation of the slow CA."""


NOTES = (
    "lego one after the other and dehydrated were measured with 20 websites of one name only (4 to 5 s a certificate)",
    "certbot was measured with 20 and 100 websites of one name and 20 of ten, uacme with 20 of ten",
    "Caddy issues each name by itself, so it has no part in the tables of ten names",
    "for growth (100, 1,000 and 10,000 websites) Dovecot and Exim do not run (their handshakes alone take minutes)"
    " and one order is under way at a time (Debian's Pebble hangs sooner or later when asked for several)",
    "Pebble's sleep is in whole seconds and differs from one validation to the next; 3 s is the longest",
)


@dataclass(frozen=True, eq=False)
class Round:
    """One table: so many websites with so many names each, and how often each subject is measured."""

    count: int
    names: int
    runs: dict[str, int] = field(default_factory=dict)
    validates_within: int = 0

    def __str__(self) -> str:
        slow = f", a CA that takes 0-{self.validates_within} s to validate" if self.validates_within else ""
        return f"{self.count} websites x {self.names} name{'s' if self.names > 1 else ''}{slow}"


TWENTY = Round(20, 1, {
    "ours": 5, "protocol": 3, "mod_md": 2, "uacme": 1, "Caddy": 1, "lego, 16 at a time": 1, "certbot": 1,
    "dehydrated": 1, "lego": 1,
})
HUNDRED = Round(100, 1, {
    "ours": 7, "protocol": 5, "mod_md": 3, "uacme": 1, "lego, 16 at a time": 1, "Caddy": 1, "certbot": 1,
})
THREE_HUNDRED = Round(300, 1, {"ours": 5, "protocol": 3, "mod_md": 2, "uacme": 1})
TEN_NAMES = Round(100, 10, {"ours": 5, "protocol": 5, "mod_md": 3})
TWENTY_OF_TEN = Round(20, 10, {"ours": 5, "mod_md": 2, "uacme": 1, "certbot": 1})
SLOW_CA = Round(100, 1, {"ours": 3, "mod_md": 1}, validates_within=_SLOW)
GROWTH = tuple(Round(count, 1, {STOPPED: 1}) for count in (100, 1_000, 10_000))
EVERYTHING = (TWENTY, HUNDRED, THREE_HUNDRED, TEN_NAMES, TWENTY_OF_TEN, SLOW_CA, *GROWTH)
QUICKLY = (
    Round(20, 1, {"ours": 1, "protocol": 1, "mod_md": 1, "uacme": 1, "lego, 16 at a time": 1}),
    Round(5, 1, {"ours": 1, "certbot": 1, "Caddy": 1}),
    Round(10, 10, {"ours": 1, "protocol": 1, "mod_md": 1}),
    Round(20, 1, {"ours": 1}, validates_within=_SLOW),
)


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


def run(report: Report) -> None:
    found = {around: _measured(report, around) for around in (QUICKLY if report.quick else EVERYTHING)}
    if report.quick:
        return
    _aims(report, found)
    for around in GROWTH:
        times = found[around]
        report.point("issue", "ACME part, seconds", around.count, times[OURS].median)
        report.point("issue", "whole check, seconds", around.count, times[WHOLE].median)
        report.point("issue", "memory MB", around.count, statistics.median(times[WHOLE].memory))
    for note in NOTES:
        report.note(note)


def _aims(report: Report, found: Mapping[Round, Found]) -> None:
    hundred, ten, slow = found[HUNDRED], found[TEN_NAMES], found[SLOW_CA]
    report.at_least("certbot's time by ours (ACME part), 100 x 1 name", _ratio(hundred, "certbot"), 200, "times")
    report.at_least("mod_md's time by ours (ACME part), 100 x 1 name", _ratio(hundred, "mod_md"), 5, "times")
    report.at_least("mod_md's time by ours (ACME part), 100 x 10 names", _ratio(ten, "mod_md"), 4, "times")
    words = f"ACME part of 100 websites at a CA that validates within {_SLOW} s"
    report.at_most(words, slow[OURS].median, 2 * _SLOW, "s")


def _ratio(times: Found, peer: str) -> float:
    return times[peer].median / times[OURS].median


def _measured(report: Report, around: Round) -> Found:
    """One round, told to the report."""
    found: Found = {}
    for subject, runs in around.runs.items():
        for number in range(runs):
            report.say(f"{around}: {subject}, {number + 1} of {runs}")
            _add(found, subject, _one(report, around, subject))
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


def _one(report: Report, around: Round, subject: str, measured: Measure = measured_inside) -> Mapping[str, Any]:
    """One measurement in a private host of its own, begun anew when the CA hung. Raises RuntimeError when it hangs
    again and again, and where a certificate is not what it has to be."""
    words = (subject, str(around.count), str(around.names), str(around.validates_within))
    for _ in range(_TRIES):
        one: Mapping[str, Any] = measured("tests.bench.issuing", *words, timeout=_LONGEST)
        if one["troubles"]:
            raise RuntimeError(f"{around}, {subject}: {'; '.join(one['troubles'][:3])}")
        if not one["hung"]:
            return one
        report.note(f"{around}, {subject}: Pebble hung; that run was thrown away, and made anew with a new Pebble")
    raise RuntimeError(f"{around}, {subject}: Pebble hung {_TRIES} times")
