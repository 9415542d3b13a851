"""Issuing: certificates for many websites, beside certbot, lego, uacme, dehydrated, mod_md and Caddy.

Every measurement has a private host of its own (`fresh_host.py`): the same websites, name server, Apache and Pebble,
and nothing of an earlier one. Each subject works in its own default way, with ECDSA keys on P-256, and has its account
before the clock runs; afterwards it is checked that each certificate is there and right. Ours is shown as its ACME part
(from the plans to the stored sets, as the peers have neither preflight nor installation), as the whole
`autossl check --all` (a new process, preflight, order, store, installation on Apache, Dovecot and Exim), and as the
protocol alone (no rows, no store), so that one sees what those cost.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.figures import OURS, Report
from tests.bench.rounds import Found, Round, measured_round

_SLOW = 3
"""Seconds: the longest validation of the slow CA."""

NOTES = (
    "lego one after the other and dehydrated were measured with 20 websites of one name only (4 to 5 s a certificate)",
    "certbot was measured with 20 and 100 websites of one name and 20 of ten, uacme with 20 of ten",
    "Caddy issues each name by itself, so it has no part in the tables of ten names",
    "Pebble's sleep is in whole seconds and differs from one validation to the next; 3 s is the longest",
)


TWENTY = Round(20, 1, {
    "ours": 3, "protocol": 1, "mod_md": 1, "uacme": 1, "Caddy": 1, "lego, 16 at a time": 1, "certbot": 1,
    "dehydrated": 1, "lego": 1,
})
HUNDRED = Round(100, 1, {
    "ours": 5, "protocol": 3, "mod_md": 3, "uacme": 1, "lego, 16 at a time": 1, "Caddy": 1, "certbot": 1,
})
THREE_HUNDRED = Round(300, 1, {"ours": 3, "protocol": 1, "mod_md": 1, "uacme": 1})
TEN_NAMES = Round(100, 10, {"ours": 3, "protocol": 3, "mod_md": 3})
TWENTY_OF_TEN = Round(20, 10, {"ours": 3, "mod_md": 1, "uacme": 1, "certbot": 1})
SLOW_CA = Round(100, 1, {"ours": 3, "mod_md": 1}, validates_within=_SLOW)
EVERYTHING = (TWENTY, HUNDRED, THREE_HUNDRED, TEN_NAMES, TWENTY_OF_TEN, SLOW_CA)
QUICKLY = (
    Round(20, 1, {"ours": 1, "protocol": 1, "mod_md": 1, "uacme": 1, "lego, 16 at a time": 1}),
    Round(5, 1, {"ours": 1, "certbot": 1, "Caddy": 1}),
    Round(10, 10, {"ours": 1, "protocol": 1, "mod_md": 1}),
    Round(20, 1, {"ours": 1}, validates_within=_SLOW),
)


def run(report: Report) -> None:
    found = {around: measured_round(report, around) for around in (QUICKLY if report.quick else EVERYTHING)}
    if report.quick:
        return
    _aims(report, found)
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
