"""A row of the queue has one owner, that says it lives; what the dead own is taken over, and only that."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

import models
from jobs import queue, records
from jobs.heartbeat import beating
from jobs.policy.failure import Failure
from jobs.ports import Place
from jobs.wiring import checks, performing
from jobs.wiring.instance import Instance, now
from jobs.wiring.leftovers import end_orders_of_gone_websites, sweep_leftovers
from tests.fakes import NOW

ELSEWHERE = "other-host:17"


@pytest.fixture
def row(instance: Instance) -> models.QueueEntry:
    return queue.request_check(None, forced=False, now=NOW)[0]


def again(row: models.QueueEntry) -> models.QueueEntry:
    found: models.QueueEntry = models.QueueEntry.get_by_id(row.id)
    return found


def test_of_many_that_want_a_row_one_gets_it(row: models.QueueEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the lock: each thread is a host of its own, as far as the queue can tell."""
    monkeypatch.setattr("jobs.queue.socket.gethostname", lambda: f"host-{threading.get_ident()}")
    gate = threading.Barrier(8)

    def claim(_: int) -> str:
        with models.database.connection_context():
            own = again(row)
            gate.wait(10)
            return queue.owner() if queue.claim(own, NOW) else ""

    with ThreadPoolExecutor(8) as pool:
        (owner,) = [one for one in pool.map(claim, range(8)) if one]
    assert (again(row).state, again(row).owner) == ("running", owner)


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_what_is_over_is_nobodys(row: models.QueueEntry, state: str) -> None:
    queue.update(row, state=state)
    assert not queue.claim(again(row), NOW)
    assert (again(row).state, again(row).owner) == (state, None)


@pytest.mark.parametrize(
    ("owner", "age", "taken"),
    [
        (ELSEWHERE, timedelta(seconds=30), False),
        (ELSEWHERE, queue.STALE + timedelta(seconds=1), True),
        (ELSEWHERE, None, True),
        (None, timedelta(0), True),
        ("this", timedelta(0), True),  # its process does not hold the lock, which we do
    ],
)
def test_only_what_the_dead_own_is_taken_over(
    row: models.QueueEntry, owner: str | None, age: timedelta | None, taken: bool
) -> None:
    owner = queue.owner().rpartition(":")[0] + ":1" if owner == "this" else owner
    queue.update(row, state="running", owner=owner, heartbeat_at=None if age is None else NOW - age)
    assert queue.take_over(NOW) == taken
    assert again(row).state == ("queued" if taken else "running")
    assert queue.claim(again(row), NOW) is taken


def test_an_order_of_the_dead_is_due_at_once_and_can_be_cancelled(instance: Instance) -> None:
    row = queue.request_order("a.test", "alice", "ca", {"names": ["a.test"]}, NOW - timedelta(days=1))[0]
    assert queue.claim(row, NOW - timedelta(days=1))
    assert queue.take_over(NOW) == 1
    assert (again(row).state, again(row).run_after, again(row).owner) == ("waiting", NOW, None)
    assert records.accounts_due(NOW) == ["alice"]


def test_the_heart_beats_for_all_that_a_process_owns(row: models.QueueEntry) -> None:
    order = queue.request_order("a.test", "alice", "ca", {"names": ["a.test"]}, NOW)[0]
    other = queue.request_order("b.test", "bob", "ca", {"names": ["b.test"]}, NOW)[0]
    assert queue.claim(row, NOW) and queue.claim(order, NOW)
    queue.update(other, state="running", owner=ELSEWHERE, heartbeat_at=NOW)
    later = NOW + timedelta(seconds=10)
    assert queue.beat(row, later)
    assert [again(one).heartbeat_at for one in (row, order, other)] == [later, later, NOW]


def test_who_has_lost_its_row_is_told_and_changes_it_no_more(row: models.QueueEntry) -> None:
    assert queue.claim(row, NOW)
    run = records.start_run("2026-01-01T00:00:00.000Z", "*", "ca", NOW)
    queue.update(row, answer=run.start)
    lost = threading.Event()

    def stop() -> None:
        performing.stop(row)
        lost.set()

    with beating(row, lambda: NOW, stop, every=0.01):
        models.QueueEntry.update(owner=ELSEWHERE).where(models.QueueEntry.id == row.id).execute()
        assert lost.wait(10)
    assert models.Run.get_by_id(run.id).stop_asked_at is not None
    assert not queue.give_back(row, state="done")
    assert (again(row).state, again(row).owner) == ("running", ELSEWHERE)


def test_a_check_that_another_host_performs_is_not_performed_here(
    instance: Instance, row: models.QueueEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.update(row, state="running", owner=ELSEWHERE, heartbeat_at=now())
    monkeypatch.setattr(checks, "_run", lambda *_: pytest.fail("it was performed"))
    with pytest.raises(Failure, match="other-host:17 performs this check, and is alive") as caught:
        checks.perform(instance, row)
    assert caught.value.code == "entry_busy"


def test_keys_of_orders_that_are_over_and_orders_of_gone_websites_are_swept(instance: Instance) -> None:
    place: Place = instance.place
    models.Account.create(name="alice", source="manual", found_at=NOW)
    models.Website.create(account="alice", main="a.test", names='["a.test"]', source="manual", found_at=NOW)
    for name in ("a.test", "gone.test"):
        queue.request_order(name, "alice", "ca", {"names": [name]}, NOW)[0]
    for name in ("a.test.pem", "gone.test.pem", "over.test.pem", ".a.test.pem.x8yz"):
        (place.keys / "orders" / name).write_text("a key")
    end_orders_of_gone_websites(NOW)
    sweep_leftovers(place)
    assert [path.name for path in (place.keys / "orders").iterdir()] == ["a.test.pem"]
    assert {one.website: one.state for one in models.QueueEntry.select()} == {
        "a.test": "queued", "gone.test": "cancelled"}
