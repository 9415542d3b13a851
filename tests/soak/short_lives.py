"""Certificates that live for sixty seconds, renewed by the real server on the real daemons.

Pebble issues them, `autossl serve` renews them by its own clock, and every service of three accounts (Apache, Web Disk,
Dovecot, Exim, the panel itself) is asked once a second by a handshake that trusts the test CA's root only. Each answer
must be a certificate that is valid at that moment. What the instance has stored then tells whether each renewal came
when it was due, and neither before nor much later; and the CA, whether it made any order more than that.
"""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from jobs.demo import served
from jobs.demo.daemons.pebble import Behaviour
from jobs.demo.daemons.starting import LOGS
from jobs.demo.product import INSTANCE, Product
from jobs.demo.served import Place, Row
from jobs.demo.story import Bench, Told, found_server, new_user
from jobs.policy.tick import tick_every
from tests.soak.counts import Report

PRIVATE_HOST_FOR = 900
LIFETIME = timedelta(seconds=60)
DURATION, SHORT_DURATION = 300, 75
UP = 90
"""Seconds in which the first certificates must be there."""

SLOWEST_CHECK = timedelta(seconds=10)
"""From the look that finds a certificate due to its successor: the three accounts take turns."""


def run(report: Report) -> None:
    told = Told(time.time(), quiet=True)
    bench = found_server(told, Behaviour(validity=int(LIFETIME.total_seconds())))
    new_user(told, bench, Product(), None)
    watched = Watched(report, bench)
    watched.wait_for_first()
    watched.watch(SHORT_DURATION if report.short else DURATION)
    _count(report, bench)


class Watched:
    """What the services showed, second by second."""

    def __init__(self, report: Report, bench: Bench) -> None:
        self._report, self._root = report, bench.ca.root()
        self._places = served.places(bench.accounts)
        self._wrong: dict[Place, str] = {}
        self._shortest = LIFETIME
        self._seen: dict[Place, set[datetime]] = {}
        self.handshakes = 0

    def wait_for_first(self) -> None:
        """The server finds the websites and secures them by itself."""
        ends = time.monotonic() + UP
        while troubles := [row for row in served.ask(self._places, self._root) if row.trouble]:
            if time.monotonic() > ends:
                first = troubles[0]
                raise RuntimeError(f"no first certificate within {UP} s: {first.place.name}: {first.trouble}")
            time.sleep(1)
        self._report.say(f"every one of {len(self._places)} services has its first certificate")

    def watch(self, seconds: int) -> None:
        began = time.monotonic()
        for second in range(seconds):
            time.sleep(max(0.0, began + second - time.monotonic()))
            for row in served.ask(self._places, self._root):
                self._note(row, second)
            if second % 30 == 29:
                self._report.say(f"{second + 1} of {seconds} s, {self.handshakes} handshakes")
        changes = [len(ends) - 1 for ends in self._seen.values()]
        self._report.figure("seconds watched", seconds)
        self._report.figure("handshakes", self.handshakes)
        self._report.figure("renewals seen at a service, fewest", min(changes))
        self._report.figure("renewals seen at a service, most", max(changes))
        self._report.figure("least time left in a handshake", self._shortest.total_seconds(), "s")

    def _note(self, row: Row, second: int) -> None:
        """The same trouble of a place counts once, however long it lasts."""
        self.handshakes += 1
        place = row.place
        if row.trouble:
            where = f"{place.service} at {place.name}:{place.port}, second {second}: {row.trouble}"
            if self._wrong.get(place) != row.trouble:
                (self._report.lost if "expired" in row.trouble else self._report.down)(where)
            self._wrong[place] = row.trouble
            return
        self._wrong.pop(place, None)
        assert row.not_after is not None
        self._shortest = min(self._shortest, row.not_after - datetime.now(UTC))
        self._seen.setdefault(place, set()).add(row.not_after)


def _count(report: Report, bench: Bench) -> None:
    """Rows and the CA's own log against what the rule says: due at half of the lifetime, found within one look."""
    with sqlite3.connect(f"file:{INSTANCE}/panel.sqlite3?mode=ro", uri=True) as database:
        rows = database.execute("SELECT website, not_before, due_at, stored_at FROM certificate ORDER BY id").fetchall()
    by_site: dict[str, list[tuple[datetime, datetime, datetime]]] = {}
    for website, *moments in rows:
        by_site.setdefault(website, []).append(tuple(map(datetime.fromisoformat, moments)))  # type: ignore[arg-type]
    slack, latest = tick_every(LIFETIME) + SLOWEST_CHECK, timedelta(0)
    for website, certificates in by_site.items():
        for (_, due, _), (begins, _, stored) in pairwise(certificates):
            if begins < due - timedelta(seconds=1):  # a certificate's times are whole seconds
                report.broken(f"{website}: renewed at {begins:%H:%M:%S}, before it was due at {due:%H:%M:%S}")
            if stored > due + slack:
                report.broken(f"{website}: renewed at {stored:%H:%M:%S}, due at {due:%H:%M:%S} already")
            latest = max(latest, stored - due)
    log = (LOGS / "pebble.log").read_text(encoding="utf-8")
    orders, issued = log.count("Added order"), bench.ca.issued()
    report.order(orders)
    report.issued(issued)
    for _ in range(orders - len(rows)):
        report.duplicate(f"the CA made {orders} orders for {len(rows)} certificates that are stored")
    report.figure("websites", len(by_site))
    report.figure("renewals of a website, fewest", min(len(one) - 1 for one in by_site.values()))
    report.figure("renewals of a website, most", max(len(one) - 1 for one in by_site.values()))
    report.figure("latest renewal after its date", latest.total_seconds(), "s")
