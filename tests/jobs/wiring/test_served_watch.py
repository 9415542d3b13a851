"""The watch over what is served: looked at twice, reloaded once, and told if that was not enough."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

import models
from jobs import queue, records, served
from jobs.policy.certificate import Certificate
from jobs.policy.proof import read_certificate
from jobs.policy.served_watch import FEWEST, State
from jobs.policy.site import Website
from jobs.ports import Served
from jobs.store import KEY, store
from jobs.wiring import served_watch
from jobs.wiring.instance import Instance
from jobs.wiring.setup import LOCK
from tests.fakes import NOW, FakeService, TestCA

TICK = timedelta(minutes=10)


class Host:
    """One service, and websites whose certificates were installed on it."""

    def __init__(self, instance: Instance, root: Path) -> None:
        self.instance = instance
        (root / "etc").mkdir()
        self.service = FakeService(instance.place, root / "etc")
        self.service.reloads = 0
        self.ca = TestCA()
        self.now = NOW
        self.certificates: dict[str, Certificate] = {}

    def add(self, *mains: str) -> None:
        models.Account.insert(name="alice", source="manifest", found_at=self.now).on_conflict_ignore().execute()
        for main in mains:
            facts = {"account": "alice", "main": main, "names": json.dumps([main]), "source": "manifest"}
            models.Website.create(**facts, found_at=self.now)
            self.issue(main)
            (self.service.etc / f"{main}.conf").write_text("installed")
            records.keep_standings({(main, "fake"): ("installed", "", None)}, self.now)
        self.service.reload_now()
        self.service.reloads = 0

    def issue(self, main: str) -> None:
        """A new certificate, stored and linked, behind the back of the service."""
        bundle = self.ca.bundle([main], self.now - timedelta(days=1))
        certificate = self.certificates[main] = read_certificate(bundle.leaf)
        directory = store(self.instance.place, main, bundle, certificate, None)
        records.keep_certificate(main, certificate, "pebble", self.now, self.now)
        link = self.instance.place.link(main, "fake")
        link.unlink(missing_ok=True)
        link.symlink_to(directory.name)

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.now += TICK
            served_watch.watch(self.instance)


@pytest.fixture
def host(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(instance, tmp_path)
    monkeypatch.setattr(served_watch, "services", lambda _: [made.service])
    monkeypatch.setattr(served_watch, "now", lambda: made.now)
    yield made


def row(main: str) -> models.ServiceState:
    return models.ServiceState.get(models.ServiceState.website == main)


def problems() -> dict[str, str]:
    return {one.website: one.code for one in models.Problem.select().where(models.Problem.service == "fake")}


def test_what_is_served_as_installed_is_noted_as_fine(host: Host) -> None:
    host.add("a.test")
    host.tick()
    seen = row("a.test")
    assert (seen.served_state, seen.served_at) == (State.FINE, host.now)
    assert seen.served_fingerprint == host.certificates["a.test"].fingerprint
    assert (host.service.reloads, problems()) == (0, {})


def test_an_older_certificate_counts_at_the_second_look_and_goes_with_one_reload(host: Host) -> None:
    host.add("a.test", "b.test", "c.test")
    host.tick()
    host.issue("a.test")
    host.issue("b.test")
    host.tick()
    assert (row("a.test").served_state, host.service.reloads, problems()) == (State.SUSPECTED, 0, {})
    host.tick()
    assert (host.service.reloads, problems()) == (1, {})
    assert {row(main).served_state for main in host.certificates} == {State.FINE}
    assert row("a.test").reloaded_at == host.now and row("c.test").reloaded_at is None


def test_what_a_reload_does_not_change_is_told_and_not_reloaded_again(host: Host) -> None:
    host.add("a.test")
    host.service.serves_wrongly = {"a.test"}
    host.tick(5)
    assert host.service.reloads == 1
    assert problems() == {"a.test": "served_nothing"}
    told = models.Problem.get()
    assert "fake: a.test on 127.0.0.1 port 443: handshake failed; expected the certificate" in told.text
    assert "a reload of the service at 2026-11-24 12:20 UTC did not change that" in told.text
    assert told.since == NOW + TICK and told.seen_at == host.now
    host.service.serves_wrongly = set()
    host.tick()
    assert (problems(), row("a.test").served_state) == ({}, State.FINE)


def test_the_same_difference_that_comes_back_is_not_reloaded_each_time(host: Host) -> None:
    host.add("a.test")
    for _ in range(3):
        host.issue("a.test")
        host.tick(2)
    assert host.service.reloads == 1
    assert "reloaded for such a reason less than an hour ago" in models.Problem.get().text
    assert problems() == {"a.test": "served_older"}
    host.tick(6)
    assert (host.service.reloads, problems()) == (2, {})


def test_a_service_whose_own_test_fails_is_told_and_reloaded_once_it_passes(host: Host) -> None:
    host.add("a.test")
    host.issue("a.test")
    host.service.refuses = lambda _: True
    host.tick(3)
    assert host.service.reloads == 0
    assert "not reloaded, because its own configuration test fails: a.test.conf: syntax error" in (
        models.Problem.get().text
    )
    host.service.refuses = lambda _: False
    host.tick()
    assert (host.service.reloads, problems(), row("a.test").served_state) == (1, {}, State.FINE)


def test_a_stopped_service_is_not_running_and_nothing_else(host: Host) -> None:
    host.add("a.test")
    host.service.loaded, host.service.running = {}, False
    host.tick(4)
    assert (host.service.reloads, problems()) == (0, {})
    assert row("a.test").reloaded_at is None


def test_a_service_is_never_reloaded_onto_damaged_files(host: Host) -> None:
    host.add("a.test")
    (host.instance.place.link("a.test", "fake") / KEY).write_bytes(host.ca.bundle(["a.test"]).privkey)
    host.tick(3)
    assert (host.service.reloads, problems()) == (0, {"a.test": "set_damaged"})


def test_nothing_is_looked_at_beside_a_check(host: Host) -> None:
    host.add("a.test")
    lock = host.instance.place.instance / LOCK
    with queue.instance_lock(lock, lambda: None, lambda: True) as ours:
        assert ours
        host.tick()
    assert row("a.test").served_at is None
    host.tick()
    assert row("a.test").served_at == host.now


def test_a_tick_looks_at_those_that_were_not_looked_at_for_longest(host: Host) -> None:
    mains = [f"site{number:02}.test" for number in range(FEWEST + 4)]
    host.add(*mains)
    host.tick()
    host.now += timedelta(hours=1)
    for number, main in enumerate(mains):
        seen = models.ServiceState.website == main
        models.ServiceState.update(served_at=host.now - timedelta(minutes=number)).where(seen).execute()
    host.tick()
    fresh = {one.website for one in models.ServiceState.select().where(models.ServiceState.served_at == host.now)}
    assert fresh == set(mains[-FEWEST:])


def test_after_a_check_of_all_everything_is_looked_at(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served_watch, "BATCH", 5)
    host.add(*[f"site{number:02}.test" for number in range(23)])
    host.tick()
    run = records.start_run("2026-11-24T12:30:00.000Z", "*", "pebble", host.now)
    records.finish_run(run, "done", {}, host.now + timedelta(seconds=1))
    host.tick()
    assert {one.served_at for one in models.ServiceState.select()} == {host.now}


def test_a_clock_that_was_wrong_neither_keeps_the_watch_busy_nor_from_its_reload(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.add("a.test", "b.test")
    ahead = host.now + timedelta(days=400)
    run = records.start_run("2026-11-24T12:30:00.000Z", "*", "pebble", host.now)
    records.finish_run(run, "done", {}, ahead)
    models.ServiceState.update(reloaded_at=ahead, differs_since=ahead, served_state=State.DIFFERS).execute()
    host.issue("a.test")
    rounds: list[int] = []
    real = served_watch._watch
    monkeypatch.setattr(served_watch, "_watch", lambda *given: (rounds.append(1), real(*given)))
    monkeypatch.setattr(served_watch, "SECONDS_A_TICK", 5.0)
    host.tick()
    assert len(rounds) == 1, "everything was looked at"
    host.tick()
    assert (host.service.reloads, row("a.test").reloaded_at, problems()) == (1, host.now, {})


def test_a_check_that_waits_ends_the_round(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served_watch, "BATCH", 5)
    host.add(*[f"site{number:02}.test" for number in range(23)])
    queue.request_check(None, False, host.now)
    host.tick()
    assert models.ServiceState.select().where(models.ServiceState.served_at.is_null(False)).count() == FEWEST


@pytest.mark.parametrize("state", ["foreign", "failed", "waiting", "none"])
def test_what_is_not_installed_by_us_is_not_watched_and_has_no_such_problem(host: Host, state: str) -> None:
    host.add("a.test")
    host.service.serves_wrongly = {"a.test"}
    host.tick(2)
    assert problems()
    models.ServiceState.update(state=state).execute()
    host.tick()
    assert problems() == {} and row("a.test").served_at == host.now - TICK


def test_a_website_that_is_gone_is_passed_over_and_keeps_nobody_from_its_turn(host: Host) -> None:
    host.add("a.test", "b.test")
    models.Website.update(gone_at=host.now).where(models.Website.main == "a.test").execute()
    host.tick()
    assert (row("a.test").served_state, row("b.test").served_state) == (State.IDLE, State.FINE)
    assert row("a.test").served_at == host.now


def test_a_process_that_dies_at_the_reload_does_not_reload_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.add("a.test")
    host.issue("a.test")
    host.tick()

    def dies() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(host.service, "reload", dies)
        host.tick()
    host.tick(3)
    assert (host.service.reloads, problems()) == (0, {"a.test": "served_older"})


def test_a_check_keeps_its_own_problems_and_leaves_those_of_the_watch(host: Host) -> None:
    from jobs import troubles
    from jobs.policy.failure import LeftOff

    host.add("a.test")
    host.service.serves_wrongly = {"a.test"}
    host.tick(2)
    ours = [LeftOff("", "ca_unreachable", "down")]
    troubles.keep([troubles.Found("a.test", ours)], host.now)
    assert records.troubles()["a.test"][""].code == "ca_unreachable"
    troubles.keep([troubles.Found("a.test")], host.now)
    assert (records.troubles(), problems()) == ({}, {"a.test": "served_nothing"})
    assert records.accounts_due(host.now) == ["alice"]  # its certificate; not for what the watch told


def test_addresses_at_which_nobody_answers_cost_a_tick_its_time_and_no_more(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    mains = [f"site{number:02}.test" for number in range(served.AT_ONCE * 4)]
    host.add(*mains)
    probe, time_is_up = host.service.probe, Event()

    def silent(website: Website, certificate: Certificate) -> Sequence[Served]:
        time_is_up.wait(10)
        return probe(website, certificate)

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            time_is_up.set()  # what was not begun is cancelled by now
            super().shutdown(wait, cancel_futures=cancel_futures)

    monkeypatch.setattr(host.service, "probe", silent)
    monkeypatch.setattr(served, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(served_watch, "SECONDS_A_BATCH", 0.8)
    monkeypatch.setattr(served_watch, "SECONDS_A_TICK", 0.0)
    host.tick()
    looked = models.ServiceState.served_at.is_null(False)
    assert models.ServiceState.select().where(looked).count() == served.AT_ONCE


def test_a_tick_reads_no_more_rows_the_more_there_are(host: Host) -> None:
    host.add(*[f"site{number:02}.test" for number in range(40)])
    host.tick()
    moment: datetime = host.now
    plan = models.database.execute_sql(
        "EXPLAIN QUERY PLAN SELECT id FROM service_state WHERE state = 'installed' ORDER BY served_at LIMIT 200"
    ).fetchall()
    assert "service_state_state_served_at" in str(plan) and "TEMP B-TREE" not in str(plan)
    plan = models.database.execute_sql(
        "EXPLAIN QUERY PLAN SELECT id FROM service_state WHERE served_state IN ('suspected', 'differs')"
    ).fetchall()
    assert "service_state_served_state" in str(plan)
    assert moment == row("site00.test").served_at
