"""A year of nightly runs over a thousand websites, in simulated time.

The product's own steps on a real database and real files; CA, web server, source of websites, the preflight's view of
the net and the clock are fakes. Certificates live for 6, 45, 90 and 398 days. The CA is down for hours and days, the
host is off, its clock is wrong, names stop to validate for hours or weeks, names and websites come and go; every 300th
order hangs. At the end: no certificate has expired that could have been renewed, and the number of orders is at most
5 % over what a perfect planner needs.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise

from jobs.policy.certificate import Certificate
from tests.soak.counts import Report
from tests.soak.year_host import BACKDATED, YearHost, year_host
from tests.soak.year_verdict import FIRST_WITHIN, due, excuse_missing, excuse_never, necessary
from tests.soak.year_world import BEGINNING, DAY, Site, YearWorld

WEBSITES, DAYS = 1000, 365
SHORT_WEBSITES, SHORT_DAYS = 100, 125
TICK = timedelta(minutes=10)
NIGHT = timedelta(hours=3, minutes=17)
MOST_OVER = 0.05


def run(report: Report) -> None:
    simulate(report, *((SHORT_WEBSITES, SHORT_DAYS) if report.short else (WEBSITES, DAYS)))


def simulate(report: Report, number: int, days: int) -> None:
    """`number` websites for `days`."""
    world = YearWorld(report.random, number, days)
    for kind, many in world.faults().items():
        report.fault(kind, many)
    with year_host(world, report) as host:
        Year(host, world, report).live()
        _judge(host, world, report)


class Year:
    """The calendar: nights, and ticks that have something to do."""

    def __init__(self, host: YearHost, world: YearWorld, report: Report) -> None:
        self._host, self._world, self._report = host, world, report
        self._clock = host.clock
        self._changes = world.changes()
        self._last_night: date | None = None
        self._checks: Counter[str] = Counter()

    def live(self) -> None:
        month, began = 0, time.monotonic()
        while self._clock.at < self._world.end:
            self._one_tick()
            if (self._clock.at - BEGINNING) // (30 * DAY) > month:
                month += 1
                self._report.say(f"month {month}: {len(self._host.ca.issued)} certificates, "
                                 f"{self._checks.total()} checks, {self._host.clock.at:%Y-%m-%d}")
        for kind, number in self._checks.items():
            self._report.figure(f"checks, {kind}", number)
        seconds = (time.monotonic() - began) / max(1, self._checks.total())
        self._report.figure("time of a check, on average", 1000 * seconds, "ms")

    def _one_tick(self) -> None:
        host, moment = self._host, self._clock.at
        if self._world.off.hold(moment):
            self._clock.at = next(end for start, end in self._world.off if start <= moment < end)
            return
        now = host.clock.now()
        fresh = self._discovered()
        if now.date() != self._last_night and now > now.replace(hour=0, minute=0, second=0) + NIGHT:
            self._last_night = now.date()
            self._checks["at night"] += 1
            host.night()
        elif accounts := tuple(sorted({*host.due(), *fresh})):
            self._checks["of what was due"] += 1
            host.check(accounts)
        self._clock.at = self._next(moment)

    def _discovered(self) -> set[str]:
        """The accounts of what has come since the last look."""
        found = False
        while self._changes and self._changes[0] <= self._clock.at:
            self._changes.pop(0)
            found = True
        return self._host.discover() if found else set()

    def _next(self, moment: datetime) -> datetime:
        """The tick at which something may be due; those before it would look in vain."""
        now = self._clock.now()
        night = now.replace(hour=0, minute=0, second=0) + NIGHT + (DAY if now.date() == self._last_night else DAY * 0)
        ahead = min(night + TICK, self._host.next_date()) - now
        wanted = [self._clock.at + ahead, *self._changes[:1]]
        soonest = max(moment + TICK, min(wanted))
        return BEGINNING + TICK * -((BEGINNING - soonest) // TICK)


def _judge(host: YearHost, world: YearWorld, report: Report) -> None:
    served = host.service.served
    gaps = excused = 0
    for site in world.sites:
        if site.since >= world.end:
            continue
        shown = served.get(site.main, [])
        if not shown and world.end > site.since + FIRST_WITHIN and not excuse_never(world, site, world.end):
            report.lost(f"{site.main}: it never had a certificate, from {site.since:%Y-%m-%d} on")
        for certificate, until in _gaps(site, shown, world.end):
            gaps += 1
            start = due(certificate.not_before, site.lifetime)
            if excuse_missing(world, site, start, certificate.not_after, site.lifetime):
                excused += 1
            else:
                ended = f"{certificate.not_after:%Y-%m-%d %H:%M}"
                report.lost(f"{site.main}: expired at {ended}, replaced at {until:%Y-%m-%d %H:%M}")
    needed = sum(necessary(world, site, BACKDATED) for site in world.sites)
    orders, issued, refused = len(host.ca.orders), len(host.ca.issued), len(host.ca.refused)
    report.figure("websites", len(world.sites))
    report.figure("days", (world.end - BEGINNING).days)
    report.figure("orders that a perfect planner needs", needed)
    report.figure("certificates over that", 100 * (issued / needed - 1), "%")
    report.figure("orders that the CA refused for a name", refused)
    report.figure("all orders over that", 100 * (orders / needed - 1), "%")
    report.figure("expiries that nobody could prevent", excused)
    report.figure("reloads of the web server", host.service.reloads)
    if orders > needed * (1 + MOST_OVER):
        report.broken(f"{orders} orders, where {needed} are necessary: more than {MOST_OVER:.0%} over")


def _gaps(site: Site, shown: list[tuple[datetime, Certificate]], end: datetime) -> list[tuple[Certificate, datetime]]:
    """What was presented beyond its end while the website was there, and until when."""
    last = (min(site.until, end), None)
    return [
        (certificate, until) for (_, certificate), (until, _) in pairwise([*shown, last])
        if certificate is not None and certificate.not_after < until and certificate.not_after < last[0]
    ]
