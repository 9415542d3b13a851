"""What a server does by itself: queued checks are performed, the clock only asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

import models
from jobs import queue, records
from jobs.wiring import accounts, background, checks, options, performing
from jobs.wiring.background import Background
from jobs.wiring.instance import Instance, now


@pytest.fixture
def asked(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str] | None, bool]]:
    """Instead of a check with a CA: what was performed, each as (accounts, forced)."""
    done: list[tuple[list[str] | None, bool]] = []

    def run(instance, chosen, scope, entry, on_event):
        done.append((None if scope.accounts is None else list(scope.accounts), scope.forced))
        return {"run": f"run{len(done)}", "ok": True, "totals": {}}

    monkeypatch.setattr(checks, "_run", run)
    monkeypatch.setattr(checks, "_chosen", lambda instance: (None, None))
    models.Provider.create(name="letsencrypt", plugin="letsencrypt", current=True, added_at=now())
    return done


@pytest.fixture
def running(instance: Instance, asked: object) -> Iterator[Background]:
    made = Background(instance)
    made.clock.stop = lambda: None  # type: ignore[method-assign] # it was never started here
    made._worker.start()
    yield made
    made.stop(5)
    models.database.connect(reuse_if_open=True)


def until(told: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_queued_check_is_performed_and_its_row_closed(instance: Instance, running: Background, asked: list) -> None:
    accounts.add(instance, "alice", None, "default", ["alice.test"], None)
    row, joined = checks.request(instance, ["alice"], forced=True)
    assert not joined
    running.wake()
    until(lambda: models.QueueEntry.get_by_id(row.id).state == "done")
    assert asked == [(["alice"], True)]


def test_a_second_request_joins_what_is_queued(instance: Instance, asked: list) -> None:
    accounts.add(instance, "alice", None, "default", ["alice.test"], None)
    first, _ = checks.request(instance, ["alice"], forced=False)
    again, joined = checks.request(instance, ["alice"], forced=False)
    assert (again.id, joined) == (first.id, True)
    everything, _ = checks.request(instance, None, forced=False)
    queue.finish(first, "done", "", now())
    covered, joined = checks.request(instance, ["alice"], forced=False)
    assert (covered.id, joined) == (everything.id, True)


def test_what_a_dead_process_left_is_queued_again(instance: Instance, asked: list) -> None:
    row, _ = checks.request(instance, None, forced=False)
    queue.update(row, state="running", owner="dead:1")
    run = records.start_run("2026-01-01T00:00:00.000Z", "*", "letsencrypt", now())
    Background(instance).recover()
    assert models.QueueEntry.get_by_id(row.id).state == "queued"
    assert models.Run.get_by_id(run.id).result == "failed"


def test_the_tick_queues_a_check_again_that_was_killed_beside_the_server(instance: Instance, asked: list) -> None:
    accounts.add(instance, "alice", None, "default", ["alice.test"], None)
    row, _ = checks.request(instance, None, forced=False)
    queue.update(row, state="running", owner="dead:1")
    Background(instance)._tick()
    assert models.QueueEntry.get_by_id(row.id).state == "queued"


def test_the_tick_leaves_a_check_alone_that_is_under_way(instance: Instance, asked: list) -> None:
    row, _ = checks.request(instance, None, forced=False)
    queue.update(row, state="running", owner="alive:1")
    with queue.instance_lock(instance.place.instance / "run.lock", lambda: None, lambda: True) as ours:
        assert ours
        Background(instance)._tick()
    assert models.QueueEntry.get_by_id(row.id).state == "running"


def test_a_person_who_joins_a_check_of_the_clock_makes_it_try_at_once(instance: Instance, asked: list) -> None:
    accounts.add(instance, "alice", None, "default", ["alice.test"], None)
    checks.request(instance, ["alice"], forced=False)
    row, joined = checks.request(instance, ["alice"], forced=True)
    assert joined and '"forced": true' in models.QueueEntry.get_by_id(row.id).payload
    checks.request(instance, ["alice"], forced=False)
    assert '"forced": true' in models.QueueEntry.get_by_id(row.id).payload


def test_the_tick_asks_for_new_websites_and_for_what_is_due_only(instance: Instance, asked: list) -> None:
    worker = Background(instance)
    sites = instance.place.instance / "sites.d"
    for name in ("alice", "bob", "carol"):
        (sites / f"{name}.toml").write_text(f"[[websites]]\nnames = ['{name}.test']\n")
    worker._tick()
    assert [row.payload for row in models.QueueEntry.select()] == [
        '{"accounts": ["alice", "bob", "carol"], "forced": false}'
    ]
    models.QueueEntry.delete().execute()
    worker._tick()
    assert models.QueueEntry.select().count() == 0
    past, future = now() - timedelta(minutes=1), now() + timedelta(hours=1)
    rows = [("alice.test", "", past), ("bob.test", "", future), ("bob.test", "bob.test", past)]
    rows.append(("carol.test", "x", past))
    for website, name, retry_at in rows:
        models.Problem.create(
            website=website, name=name, code="dns_timeout", text="", since=past, seen_at=past, retry_at=retry_at
        )
    accounts.suspend(instance, "carol")
    worker._tick()
    (row,) = models.QueueEntry.select()
    assert row.payload == '{"accounts": ["alice"], "forced": false}'


def test_the_nightly_minute_is_chosen_once_before_six(instance: Instance) -> None:
    first = background.nightly_time(instance.config)
    assert first.hour < 6
    assert {background.nightly_time(instance.config) for _ in range(5)} == {first}
    options.save(instance.config, {"nightly": "21:05"})
    assert str(background.nightly_time(instance.config)) == "21:05:00"


def test_a_running_check_can_be_asked_to_stop(instance: Instance) -> None:
    assert not performing.stop_running(now())
    run = records.start_run("2026-01-01T00:00:00.000Z", "*", "letsencrypt", now())
    assert performing.stop_running(datetime.now(UTC))
    assert models.Run.get_by_id(run.id).stop_asked_at is not None


def test_a_check_that_another_process_asks_for_is_found_within_seconds(
    instance: Instance, running: Background, asked: list
) -> None:
    """Nobody wakes the worker: it sees that somebody wrote."""
    accounts.add(instance, "alice", None, "default", ["alice.test"], None)
    checks.request(instance, ["alice"], forced=True)
    until(lambda: asked == [(["alice"], True)])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LOOK_EVERY", 0.01)


def test_a_server_at_rest_asks_the_database_for_nothing(
    quick: None, running: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each second's look at the queue was half a per cent of a processor."""
    looks: list[datetime] = []
    monkeypatch.setattr(queue, "next_check", looks.append)
    time.sleep(50 * background.LOOK_EVERY)
    assert len(looks) <= 2
