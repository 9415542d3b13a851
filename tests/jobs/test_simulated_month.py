"""A few weeks of the simulated year (`bash tests/run soak simulated_year`), with faults of every kind in them."""

from __future__ import annotations

from datetime import timedelta

from tests.soak.counts import Report
from tests.soak.simulated_year import simulate
from tests.soak.year_verdict import due, excuse_missing, necessary
from tests.soak.year_world import BEGINNING, DAY, EVER, HOUR, Name, Site, Spells, YearWorld


def test_no_certificate_is_lost_and_hardly_an_order_too_many() -> None:
    report = Report("simulated_year", 3, short=True)
    simulate(report, 30, 35)
    counts = report.counts
    assert counts.good, counts.wrong
    assert counts.issued >= 30 and counts.injected >= 5


class Calm(YearWorld):
    """Nothing happens in it but what a test puts in."""

    def __init__(self, days: int = 200, outages: Spells = Spells()) -> None:  # noqa: B008 it never changes
        self.end = BEGINNING + days * DAY
        self.sites, self.outages, self.off, self.clock_errors = [], outages, Spells(), []


def site(*names: Name, lifetime: timedelta = 90 * DAY) -> Site:
    return Site(0, "user", lifetime, list(names), [], BEGINNING, EVER, False)


def failing(fqdn: str, start: timedelta, end: timedelta) -> Name:
    return Name(fqdn, fails={"dns": Spells([(BEGINNING + start, BEGINNING + end)])})


def test_the_orders_that_are_necessary_are_counted_by_the_rule() -> None:
    assert necessary(Calm(), site(Name("a.test")), HOUR) == 4  # at once, after 60, 120 and 180 days
    assert necessary(Calm(), site(Name("a.test"), lifetime=6 * DAY), HOUR) == 68
    later = Name("b.test", since=BEGINNING + 30 * DAY)
    assert necessary(Calm(), site(Name("a.test"), later), HOUR) == 4  # at once, for the name, after 90 and 150 days
    passing = failing("b.test", 55 * DAY, 70 * DAY)
    assert necessary(Calm(), site(Name("a.test"), passing), HOUR) == 4  # deferred until it works again
    lasting = failing("b.test", 55 * DAY, 150 * DAY)
    assert necessary(Calm(), site(Name("a.test"), lasting), HOUR) == 4  # without it after 87 days, with it after 150


def test_an_expiry_is_excused_only_where_nobody_could_have_renewed() -> None:
    begins = BEGINNING
    ends, start = begins + 90 * DAY, due(begins, 90 * DAY)
    down = Spells([(start, ends - 2 * HOUR)])
    assert excuse_missing(Calm(outages=down), site(Name("a.test")), start, ends, 90 * DAY)
    down = Spells([(start, ends - 30 * HOUR)])
    assert not excuse_missing(Calm(outages=down), site(Name("a.test")), start, ends, 90 * DAY)
    for lasting, excused in ((95 * DAY, True), (85 * DAY, False)):
        gone = site(failing("a.test", 50 * DAY, lasting), failing("b.test", 50 * DAY, lasting))
        assert excuse_missing(Calm(), gone, start, ends, 90 * DAY) is excused
    half = site(Name("a.test"), failing("b.test", 50 * DAY, 95 * DAY))
    assert not excuse_missing(Calm(), half, start, ends, 90 * DAY)
