"""A database that another process holds for longer than anybody waits: nothing is lost, and what was to be done is done
once it is let go."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from peewee import OperationalError

import models
from jobs import queue
from jobs.policy.failure import Failure
from jobs.wiring import performing
from jobs.wiring.background import Background
from jobs.wiring.instance import DATABASE, Instance, now, open_instance
from tests.jobs.check_host import Host, host  # noqa: F401 - a fixture


@pytest.fixture
def instance(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """That of every test here, opened by who does not wait long."""
    monkeypatch.setattr(models, "BUSY_TIMEOUT", 0.2)
    instance.close()
    opened = open_instance(instance.place.instance)
    yield opened
    opened.close()


@contextmanager
def held(place: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(place / DATABASE, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def queued() -> models.QueueEntry:
    models.Account.create(name="alice", source="manifest", found_at=now())
    return queue.request_check(["alice"], False, now())[0]


def done(*_: Any) -> dict[str, Any]:
    return {"ok": True, "run": "a run"}


def test_a_check_that_meets_it_is_queued_again_and_says_why(instance: Instance) -> None:
    row = queued()

    def act(*_: Any) -> dict[str, Any]:
        with held(instance.place.instance):
            models.Setting.create(key="a", value="1")
        raise AssertionError("this is held")

    with pytest.raises(Failure) as caught:
        performing.perform(instance, row, act)
    assert caught.value.code == "database_busy" and "held the database for too long" in caught.value.detail
    row = models.QueueEntry.get_by_id(row.id)
    assert (row.state, row.owner) == ("queued", None) and row.run_after > now()
    assert performing.perform(instance, row, done) == done()
    assert models.QueueEntry.get_by_id(row.id).state == "done"


def test_a_check_that_could_not_even_give_its_row_back_is_taken_over(instance: Instance) -> None:
    row = queued()
    others: list[Any] = []

    def act(*_: Any) -> dict[str, Any]:
        others.append(held(instance.place.instance))
        others[0].__enter__()
        models.Setting.create(key="a", value="1")
        raise AssertionError("this is held")

    with pytest.raises(OperationalError):
        performing.perform(instance, row, act)
    others[0].__exit__(None, None, None)
    assert models.QueueEntry.get_by_id(row.id).state == "running"
    assert performing.perform(instance, models.QueueEntry.get_by_id(row.id), done) == done()


def test_a_certificate_that_could_not_be_noted_is_downloaded_once_more_and_not_ordered_again(host: Host) -> None:  # noqa: F811
    finish, others = host.ca._finish, []

    def finish_while_held(*given: Any) -> Any:
        others.append(held(host.instance.place.instance))
        others[0].__enter__()
        return finish(*given)

    host.ca._finish = finish_while_held  # type: ignore[method-assign]
    with pytest.raises(OperationalError):
        host.check()
    others[0].__exit__(None, None, None)
    host.ca._finish = finish  # type: ignore[method-assign]
    queue.take_over(now())
    case = host.check(forced=True)
    assert (case.outcome, len(host.ca.orders), host.ca.asked) == ("installed", 1, ["https://ca.test/order/1"])
    assert host.keys() == []


def test_the_server_tells_of_it_once_and_goes_on_by_itself(
    instance: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Background(instance)
    asked: list[str] = []

    def duty(_: Instance) -> None:
        models.Setting.insert(key="a", value="1").on_conflict_replace().execute()
        asked.append("done")

    with caplog.at_level(logging.INFO, "autossl.background"):
        with held(instance.place.instance):
            for _ in range(3):
                worker._turn("one duty", duty)
        worker._turn("one duty", duty)
    assert asked == ["done"]
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["one duty", "one duty"]
    assert "another process has held the database" in caplog.text and "one duty: works again" in caplog.text
    assert "Traceback" not in caplog.text
