"""Issuing for 100, 1,000 and 10,000 websites: what it costs against how much there is to issue.

As `issue.py` measures ours, but Dovecot and Exim do not run, and one order is under way at a time: see NOTES.
"""

from __future__ import annotations

import statistics

from tests.bench.figures import OURS, Report
from tests.bench.rounds import STOPPED, WHOLE, Round, measured_round

_LONGEST = 3_000.0
SIZES = (100, 1_000, 10_000)
NOTES = (
    "Dovecot and Exim do not run: of thousands of names their handshakes alone take minutes",
    "one order is under way at a time: Debian's Pebble (2.4.0) hangs sooner or later when it is asked for several",
)


def run(report: Report) -> None:
    for size in SIZES[:1] if report.quick else SIZES:
        around = Round(size, 1, {STOPPED: 1}, longest=_LONGEST)
        times = measured_round(report, around)
        report.point("issue", "ACME part, seconds", size, times[OURS].median)
        report.point("issue", "whole check, seconds", size, times[WHOLE].median)
        report.point("issue", "memory MB", size, statistics.median(times[WHOLE].memory))
    for note in NOTES:
        report.note(note)
