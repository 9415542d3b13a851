"""A whole check of 50 accounts with 200 names, with every service that the demo has.

`autossl check --all` as a process of its own on a server as it is found: Apache with websites and web disks, Dovecot,
Exim, the panel; BIND, and Pebble without pauses. Each run has a private host of its own. All names are new: they are
validated, ordered, installed on five services, and proven by a handshake for each name and port. Beside it, the second
check of the same host, when nothing is due.
"""

from __future__ import annotations

import os
import statistics
from typing import Any

from tests.bench.figures import OURS, Report
from tests.bench.fresh_host import measured_inside

ACCOUNTS, RUNS, QUICK = 50, 3, 10
LIMIT = 5.0
LONGEST = 240.0
MOST_HANGS = 5


def run(report: Report) -> None:
    accounts, runs = (QUICK, 1) if report.quick else (ACCOUNTS, RUNS)
    found: list[Any] = []
    hangs = 0
    while len(found) < runs:
        report.say(f"run {len(found) + 1} of {runs}")
        measured = measured_inside("tests.bench.checking", str(accounts), timeout=LONGEST)
        if measured["hung"]:
            hangs += 1
            report.note("Pebble hung, and the run was made again with a new one")
            if hangs > MOST_HANGS:
                raise RuntimeError(f"Pebble hung {hangs} times")
        elif measured["wrong"] or measured["first"]["issued"] != accounts:
            issued = measured["first"]["issued"]
            raise RuntimeError(f"{issued} certificates for {accounts} accounts; {measured['wrong'][:3]}")
        else:
            found.append(measured)
    _told(report, accounts, found)


def _told(report: Report, accounts: int, found: list[Any]) -> None:
    names = found[0]["names"]
    firsts = [one["first"] for one in found]
    table = f"a check of {accounts} accounts, {names} names"
    for subject, key in ((OURS, "first"), ("once more, nothing is due", "again")):
        runs = [one[key] for one in found]
        report.took(table, subject, "time", [one["wall"] for one in runs], "s")
        report.took(table, subject, "CPU", [one["cpu"] for one in runs], "s")
        report.took(table, subject, "memory", [one["memory"] for one in runs], "MB")
    for step in firsts[0]["steps"]:
        report.took("of it, by step", step, "time", [one["steps"].get(step, 0.0) for one in firsts], "s")
    for daemon in firsts[0]["daemons"]:
        report.took("what the daemons take for it", daemon, "CPU", [one["daemons"][daemon] for one in firsts], "s")
    wall = statistics.median(one["wall"] for one in firsts)
    report.at_most(f"whole check of {accounts} accounts, {names} names, all services", wall, LIMIT, "s")
    floor = statistics.median(sum(one["daemons"].values()) for one in firsts) / (os.cpu_count() or 1)
    report.note(f"the daemons alone take {floor:.1f} s for it on {os.cpu_count()} cores, however it is asked for")
