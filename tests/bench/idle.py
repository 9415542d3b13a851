"""Memory and processor time of `autossl serve` with nothing to do.

As one process, and as the package has it: two. An installation at rest on a server with Apache, which the program has
just looked over, after somebody had a look at every page and many had some at once. Then it is left alone. What it does
every ten minutes is told apart, as what the start takes: that is the same, and the start itself.
"""

from __future__ import annotations

from tests.bench.figures import OURS, Report
from tests.bench.fresh_host import measured_inside

SIDES = {"one": "one process (--single)", "two": "two processes, as packaged"}
SIZES = (1_000, 10_000)
LEFT_ALONE = 90.0
"""Seconds."""


def run(report: Report) -> None:
    for accounts in SIZES[:1] if report.quick else SIZES:
        for sides, title in SIDES.items():
            report.say(f"{accounts} accounts, {title}")
            _measure(report, accounts, sides, title, 10.0 if report.quick else LEFT_ALONE)


def _measure(report: Report, accounts: int, sides: str, title: str, seconds: float) -> None:
    found = measured_inside("tests.bench.left_alone", str(accounts), sides, str(seconds), timeout=600)
    table = f"{accounts} accounts, left alone for {seconds:g} s"
    for name, size in found["memory"].items():
        report.took(table, f"{title}: {name}", "memory", [size], "MB")
        report.took(table, f"{title}: {name}", "processor", [found["processor"][name]], "%")
    report.took(table, f"{title}: the start", "processor time", [found["start"]], "s")
    words = f"{OURS}, {accounts} accounts, {title}"
    report.at_most(f"{words}: the panel's memory", found["memory"]["panel"], 90, "MB")
    report.at_most(f"{words}: processor, all of it", sum(found["processor"].values()), 0.2, "%")
    if sides == "one":
        report.point("idle", "MB", accounts, found["memory"]["panel"])
