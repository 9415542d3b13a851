"""A mass revocation: the CA asks for the renewal of 2,000 certificates at once, and revokes them a day later.

Ten registered domains; a quarter of the websites have got a further name since, so that the CA counts their orders as
new ones. What its limits let wait goes on the most urgent first. The CA keeps its limits by itself, with the full
numbers; the clock only counts.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bare_instance import bare_instance
from tests.jobs.mass_revocation import REVOKED_AFTER, revoke_everything
from tests.soak.counts import Report

CERTIFICATES, DOMAINS, NEW_NAME_EVERY = 2000, 10, 4
A_FEW, FEW_DOMAINS = 200, 1


def run(report: Report) -> None:
    number, domains = (A_FEW, FEW_DOMAINS) if report.short else (CERTIFICATES, DOMAINS)
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        bare_instance(Path(folder) / "instance") as instance,
    ):
        outcome = revoke_everything(instance, number, domains, NEW_NAME_EVERY, report.random, report.say)
    report.fault("certificates that the CA asked back", number)
    report.order(sum(outcome.orders.values()))
    report.issued(sum(outcome.orders.values()))
    for (website, names), orders in outcome.sets.items():  # new names may have had to wait, and come by a second one
        if orders > 1:
            report.duplicate(f"{website}: {orders} orders for {', '.join(sorted(names))}")
    late = [took for took in outcome.replaced.values() if took > REVOKED_AFTER]
    for _ in range(len(late) + number - len(outcome.replaced)):
        report.lost("a certificate was revoked before its successor came")
    for sentence in outcome.refused:
        report.broken(f"the CA refused: {sentence}")
    for sentence in outcome.not_the_most_urgent:
        report.broken(f"not the most urgent first: {sentence}")
    took = sorted(outcome.replaced.values())
    report.figure("until half of them were replaced", took[len(took) // 2].total_seconds() / 3600, "hours")
    report.figure("until all of them were replaced", took[-1].total_seconds() / 3600, "hours")
    report.figure("orders in one tick at most", outcome.most_at_once)
    report.figure("replaced with a new name as well", outcome.new_names)
    report.figure("shown as asked for early at once", outcome.shown_early)
    report.figure("questions for windows", outcome.asked)
