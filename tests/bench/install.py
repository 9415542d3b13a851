"""Certificates of a thousand websites onto Apache, Dovecot and Exim: our own time beside the daemons'.

Real daemons in a private host each time, whose accounts and configuration are made as the demo makes them; the sets lie
in the store before, so no CA takes part. The websites are new to every service first, then each gets its next set. What
the step takes is told apart by `tests/bench/installing.py`: the daemon's own programs (its test), its reload, the
handshakes that prove each name at each port, and the rest, which is ours. Beside it stands what the daemon takes for
its own test and its reload when nobody of ours has anything to do with it.
"""

from __future__ import annotations

import os
from typing import Any

from tests.bench.figures import OURS, Report
from tests.bench.fresh_host import measured_inside
from tests.bench.installing import ROUNDS, SERVICES

COUNTS = (100, 1000)
LONGEST = 1500.0
TITLES = {"apache": "Apache", "dovecot": "Dovecot", "exim": "Exim"}
WORDS = dict(zip(ROUNDS, ("new", "their next sets"), strict=True))


def run(report: Report) -> None:
    for count in COUNTS[:1] if report.quick else COUNTS:
        report.say(f"{count} websites")
        found = measured_inside("tests.bench.installing", str(count), timeout=LONGEST)
        for service in SERVICES:
            for around in ROUNDS:
                _told(report, count, service, around, found["rounds"][around][service], found["alone"][service])
        _growth(report, count, found["rounds"][ROUNDS[0]])
    why = "Dovecot starts a process for each, and Exim reads the CAs that it trusts"
    report.note(f"what a handshake takes is the daemon's own time, on {os.cpu_count()} cores: {why}")


def _told(report: Report, count: int, service: str, around: str, run: Any, alone: Any) -> None:
    if run["failed"]:
        raise RuntimeError(f"{service}, {around}: {len(run['failed'])} failed, as {run['failed'][0]}")
    table, daemon = f"{count:,} websites onto {TITLES[service]}, {WORDS[around]}", TITLES[service]
    own, alone_all = run["own"], alone["test"] + alone["reload"]
    report.took(table, OURS, "time", [own], "s")
    report.took(table, OURS, "CPU", [run["cpu"]], "s")
    report.took(table, OURS, "memory", [run["memory"]], "MB")
    report.took(table, f"{run['tests']} times a program of {daemon}", "time", [run["programs"]], "s")
    report.took(table, f"{run['tests']} times a program of {daemon}", "CPU", [run["programs_cpu"]], "s")
    report.took(table, f"until {daemon} has reloaded", "time", [run["reload"]], "s")
    report.took(table, f"{run['probes']:,} handshakes with {daemon}", "time", [run["handshakes"]], "s")
    report.took(table, f"{run['probes']:,} handshakes with {daemon}", "CPU", [run["daemon_cpu"]], "s")
    report.took(table, "the whole step", "time", [run["wall"]], "s")
    report.took(table, f"{daemon} alone: its test and its reload", "time", [alone_all], "s")
    if count == COUNTS[-1] and service != "exim":  # which is not reloaded for a new set
        words = f"{count:,} websites onto {daemon}, {WORDS[around]}: our own time by that of its test and reload"
        report.at_most(words, own / alone_all, 1.0, "times")


def _growth(report: Report, count: int, runs: Any) -> None:
    for service, title in TITLES.items():
        report.point("install", f"{title} seconds", count, runs[service]["own"])
    report.point("install", "MB", count, max(run["memory"] for run in runs.values()))
