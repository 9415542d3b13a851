"""A migration of 500 websites in one registered domain, within Let's Encrypt's limits.

Each website has an account of its own and no certificate. The fake CA keeps the limits by itself, with the full numbers
and no margin; the clock only counts. What the limits allow at the least is what it has to take, within one tick.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bare_instance import bare_instance
from tests.jobs.migration import TICK, least, migrate
from tests.soak.counts import Report

WEBSITES, A_FEW = 500, 80


def run(report: Report) -> None:
    number = A_FEW if report.short else WEBSITES
    with tempfile.TemporaryDirectory() as folder, bare_instance(Path(folder) / "instance") as instance:
        outcome = migrate(instance, number, report.say)
    made = sum(outcome.issued.values())
    report.order(made)
    report.issued(made)
    for sentence in outcome.refused:
        report.broken(f"the CA refused: {sentence}")
    for sentence in outcome.twice:
        report.duplicate(sentence)
    if len(outcome.issued) < number:
        report.lost(f"{number - len(outcome.issued)} websites got none")
    first = outcome.took
    if first > least(number) + TICK:
        report.broken(f"it took {first}, and {least(number)} would have done")
    seen = max(outcome.looked.values())
    report.figure("websites", number)
    report.figure("time that it took", first.total_seconds() / 86400, "days")
    report.figure("time that the limits ask for", least(number).total_seconds() / 86400, "days")
    report.figure("in the queue at once", outcome.most_waiting)
    report.figure("preflights of one name, at most", seen)
