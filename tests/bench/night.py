"""A night with nothing due: 200, 1,000 and 10,000 websites, beside certbot, lego and dehydrated.

Every subject has a private host of its own with the same websites, whose certificates are good for 90 days. Ours is
shown as its deciding, which is what the clock of the server that runs all the time asks (is anything due?), and as the
whole nightly `autossl check --all`, which reads the websites' configuration, looks at every certificate and at what is
presented, and writes a report. It is checked that nothing was due, and that each certificate was found good and kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from tests.bench import nights
from tests.bench.figures import OURS, Report
from tests.bench.fresh_host import measured_inside

WHOLE, ALONE = f"{OURS}, whole check", f"{OURS}, deciding in a new process"
SIZES = (200, 1_000, 10_000)
NIGHTS = {200: 3, 1_000: 3, 10_000: 1}
PEERS = {
    200: {"certbot renew": 3, "lego renew, one by one": 1, "dehydrated -c": 1},
    1_000: {"certbot renew": 3, "lego renew, one by one": 1},
    10_000: {},
}
_LONGEST = 2_400.0
"""Seconds of one subject with its preparation: ours of 10,000 websites takes minutes to be installed."""
NOTES = (
    "deciding is the question that the server asks at night and every ten minutes: indexes answer it, and nothing "
    "follows where nothing is due",
    "the whole check is linear in what there is: it reads every vhost, set and certificate that is presented",
    "dehydrated was measured with 200 websites only, certbot and lego with 200 and 1,000",
    "Apache alone serves the websites, as peers have it; certificates were put into all stores, not issued",
    "files of peers are those that all their processes opened, in a night of its own under strace; of ours those "
    "that Python opened while it was timed",
)


def run(report: Report) -> None:
    deciding: dict[int, float] = {}
    for size in SIZES[:1] if report.quick else SIZES:
        deciding[size] = _ours(report, size)
        peers = {"certbot renew": 1} if report.quick else PEERS[size]
        for peer, times in peers.items():
            median = _peer(report, size, peer, times)
            if size == 1_000 and peer == "certbot renew":
                words = "certbot renew's time by ours (deciding), 1,000 websites"
                report.at_least(words, median / deciding[size], 10, "times")
    if report.quick:
        return
    report.at_most("deciding over 1,000 websites of which none is due", deciding[1_000], 0.3, "s")
    report.at_most("deciding over 10,000 by 1,000 websites", deciding[10_000] / deciding[1_000], 3, "times")
    for note in NOTES:
        report.note(note)


def _ours(report: Report, size: int) -> float:
    """Seconds of deciding."""
    found = _measured(report, size, nights.OURS, NIGHTS[size])
    due, check = [night["due"] for night in found], [night["check"] for night in found]
    _tell(report, size, OURS, [{**night["inside"], "memory": night["memory"]} for night in due])
    _tell(report, size, ALONE, due)
    counted = [{key: night["inside"][key] for key in ("opened", "asked")} for night in check]
    _tell(report, size, WHOLE, [{**night, **counts} for night, counts in zip(check, counted, strict=True)])
    report.took(_table(size), f"{WHOLE}: gather and decide", "time", _each(check, "inside", "decided"), "s")
    deciding, memory = statistics.median(_each(due, "inside", "seconds")), max(_each(check, "memory"))
    report.point("night", "deciding, seconds", size, deciding)
    report.point("night", "whole check, seconds", size, statistics.median(_each(check, "seconds")))
    report.point("night", "memory MB", size, memory)
    if size == SIZES[-1]:
        report.at_most("memory over 10,000 websites", memory, 150, "MB")
    return deciding


def _peer(report: Report, size: int, peer: str, times: int) -> float:
    found = _measured(report, size, peer, times)
    _tell(report, size, peer, found)
    return statistics.median(_each(found, "seconds"))


def _measured(report: Report, size: int, subject: str, times: int) -> Any:
    report.say(f"{size:,} websites: {subject}, {times} times")
    return measured_inside("tests.bench.nights", subject, str(size), str(times), timeout=_LONGEST)


def _tell(report: Report, size: int, subject: str, found: Sequence[dict[str, Any]]) -> None:
    """What there is of each quantity."""
    quantities = (("seconds", "time", "s"), ("cpu", "CPU", "s"), ("memory", "memory", "MB"),
                  ("opened", "files opened", ""), ("asked", "SQL", ""))
    for key, quantity, unit in quantities:
        values = [night[key] for night in found if night.get(key) is not None]
        if values:
            report.took(_table(size), subject, quantity, values, unit)


def _each(found: Sequence[Any], *keys: str) -> list[float]:
    values = list(found)
    for key in keys:
        values = [value[key] for value in values]
    return values


def _table(size: int) -> str:
    return f"{size:,} websites, nothing due"
