"""When the clock calls: every ten minutes, more often for the sake of short-lived certificates, and whatever happens to
the host's own clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from datetime import time as time_of_day

import apscheduler.schedulers.base
import apscheduler.triggers.interval
import pytest

import jobs.scheduler
import models
from jobs import records
from jobs.policy.certificate import Certificate
from jobs.scheduler import Clock
from jobs.wiring import accounts, background, pace
from jobs.wiring.background import Background
from jobs.wiring.instance import Instance, now

NIGHT = time_of_day(3, 17)
DAY = timedelta(days=1)


class Host:
    """A host whose clock can be set: the scheduler reads this one, and waits by the real one."""

    def __init__(self) -> None:
        self.off = timedelta(0)
        self.called: list[str] = []

    def now(self) -> datetime:
        return datetime.now().astimezone() + self.off

    def set_clock(self, by: timedelta) -> None:
        self.off += by

    def calls(self, name: str) -> Callable[[], None]:
        return lambda: self.called.append(name)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host()

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return made.now().astimezone(tz)

    for module in (apscheduler.schedulers.base, apscheduler.triggers.interval):
        monkeypatch.setattr(module, "datetime", Shifted)
    monkeypatch.setattr(jobs.scheduler, "local_time", made.now)
    return made


@pytest.fixture
def clock(host: Host) -> Iterator[Clock]:
    made = Clock(NIGHT, host.calls("nightly"), host.calls("tick"), host.calls("look"))
    made.start()
    until(lambda: host.called == ["tick"])
    host.called.clear()
    yield made
    made.stop()


def until(told: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ahead(clock: Clock, name: str, host: Host) -> timedelta:
    """How far ahead, by the host's clock, the next call is."""
    planned: datetime = clock._scheduler.get_job(name).next_run_time
    return planned - host.now()


def test_the_night_is_known_and_can_be_moved(clock: Clock) -> None:
    night = clock.next_nightly()
    assert night is not None and (night.hour, night.minute) == (3, 17)
    clock.move_nightly(time_of_day(4, 5))
    moved = clock.next_nightly()
    assert moved is not None and (moved.hour, moved.minute) == (4, 5)


def test_while_all_is_well_nothing_is_moved(host: Host, clock: Clock) -> None:
    before = [job.next_run_time for job in clock._scheduler.get_jobs()]
    for _ in range(5):
        clock.keep(timedelta(minutes=10))
    assert [job.next_run_time for job in clock._scheduler.get_jobs()] == before
    assert host.called == []


def test_the_look_comes_with_short_lifetimes_and_goes_with_them(host: Host, clock: Clock) -> None:
    clock.keep(timedelta(seconds=0.05))
    until(lambda: host.called.count("look") > 3)
    clock.keep(timedelta(minutes=10))
    host.called.clear()
    clock.keep(timedelta(minutes=10))
    assert clock._scheduler.get_job("look") is None and host.called == []
    clock.keep(timedelta(minutes=5))
    until(lambda: host.called == ["look"])
    assert timedelta(minutes=4) < ahead(clock, "look", host) <= timedelta(minutes=5)


@pytest.mark.parametrize("by", [DAY, 40 * 365 * DAY])
def test_a_clock_set_forward_means_one_call_of_each_and_no_storm(host: Host, clock: Clock, by: timedelta) -> None:
    """The same is a host that slept. Forty years: it woke without knowing the date."""
    host.set_clock(by)
    clock.keep(timedelta(minutes=10))
    until(lambda: sorted(host.called) == ["nightly", "tick"])
    until(lambda: ahead(clock, "tick", host) > timedelta(0))  # it is called before its next time is written down
    clock.keep(timedelta(minutes=10))
    assert sorted(host.called) == ["nightly", "tick"]
    assert timedelta(minutes=9) < ahead(clock, "tick", host) <= timedelta(minutes=10)
    assert timedelta(0) < ahead(clock, "nightly", host) <= DAY


def test_a_clock_set_back_by_a_day_does_not_stop_the_tick_for_a_day(host: Host, clock: Clock) -> None:
    clock.keep(timedelta(seconds=3))
    until(lambda: host.called == ["look"])
    host.set_clock(-DAY)
    assert ahead(clock, "tick", host) > DAY
    clock.keep(timedelta(seconds=3))
    until(lambda: sorted(host.called) == ["look", "look", "tick"])
    assert ahead(clock, "tick", host) <= timedelta(minutes=10)
    assert ahead(clock, "nightly", host) <= timedelta(hours=27)


def test_a_clock_set_back_by_more_than_a_day_puts_the_night_where_it_belongs(host: Host, clock: Clock) -> None:
    host.set_clock(-3 * DAY)
    clock.keep(timedelta(minutes=10))
    assert timedelta(0) < ahead(clock, "nightly", host) <= timedelta(hours=25)
    assert "nightly" not in host.called


def stored(website: str, lifetime: timedelta, left: timedelta) -> None:
    ends = now() + left
    certificate = Certificate(
        (website,), "1", f"{website} {lifetime}", "CA", ends - lifetime, ends, False, "ecdsa-p256", False
    )
    records.keep_certificate(website, certificate, "ca", ends, now())


def test_the_pace_is_that_of_the_shortest_lived_certificate_in_use(instance: Instance) -> None:
    minutes = timedelta(minutes=1)
    for name in ("a", "b", "c"):
        accounts.add(instance, name, None, "default", [f"{name}.test"], None)
    assert pace.look_every(now()) == 10 * minutes
    stored("a.test", timedelta(days=90), 3 * minutes)
    assert pace.look_every(now()) == 10 * minutes
    stored("b.test", 60 * minutes, 30 * minutes)
    assert pace.look_every(now()) == 3 * minutes
    stored("c.test", minutes, minutes / 2)
    assert pace.look_every(now()) == timedelta(seconds=3)
    stored("c.test", timedelta(days=6), timedelta(days=6))  # the CA has changed its mind
    assert pace.look_every(now()) == 3 * minutes
    accounts.remove(instance, "b")
    assert pace.look_every(now()) == 10 * minutes


def test_what_ended_long_ago_does_not_keep_the_clock_busy(instance: Instance) -> None:
    accounts.add(instance, "alice", None, "default", ["a.test"], None)
    stored("a.test", timedelta(minutes=1), -timedelta(days=1))
    assert pace.look_every(now()) == timedelta(minutes=10)


def test_the_pace_is_read_from_an_index(instance: Instance) -> None:
    asked: list[str] = []
    real = models.database.execute_sql

    def execute(sql: str, params: object = None, *rest: object) -> object:
        asked.append(sql)
        return real(sql, params, *rest)

    models.database.obj.execute_sql = execute
    try:
        pace.look_every(now())
    finally:
        del models.database.obj.execute_sql
    (query,) = asked
    plan = [row[3] for row in real(f"EXPLAIN QUERY PLAN {query}", ["x"] * query.count("?")).fetchall()]
    assert any('SEARCH' in line and "retired_at" in line and "not_after" in line for line in plan), plan


def test_a_look_asks_for_what_is_due_and_searches_for_nothing(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.Provider.create(name="letsencrypt", plugin="letsencrypt", current=True, added_at=now())
    for name in ("alice", "bob"):
        accounts.add(instance, name, None, "default", [f"{name}.test"], None)
    stored("alice.test", timedelta(minutes=1), timedelta(seconds=1))
    models.Certificate.update(due_at=now()).execute()
    (instance.place.instance / "sites.d" / "carol.toml").write_text("[[websites]]\nnames = ['carol.test']\n")
    monkeypatch.setattr(background.checks, "_chosen", lambda instance: (None, None))
    Background(instance)._look()
    (row,) = models.QueueEntry.select()
    assert row.payload == '{"accounts": ["alice"], "forced": false}'


def test_the_worker_keeps_the_clock_at_the_pace_of_what_is_in_use(instance: Instance) -> None:
    worker, asked = Background(instance), list[timedelta]()
    worker.clock.keep = asked.append  # type: ignore[method-assign]
    worker._one(instance)
    accounts.add(instance, "alice", None, "default", ["a.test"], None)
    stored("a.test", timedelta(minutes=1), timedelta(seconds=30))
    worker._one(instance)
    assert asked == [timedelta(minutes=10), timedelta(seconds=3)]
