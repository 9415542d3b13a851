"""A nightly check is asked for at its time, and once by the next tick when nobody was there at that time."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

import models
from jobs import queue
from jobs.policy.failure import Failure
from jobs.wiring import checks, nightly
from jobs.wiring.background import Background
from jobs.wiring.instance import Instance, choose, now, setting


@pytest.fixture
def at(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> time:
    """The time of a nightly check that was due an hour ago."""
    monkeypatch.setattr(checks, "_chosen", lambda instance: (None, None))
    models.Provider.create(name="letsencrypt", plugin="letsencrypt", current=True, added_at=now())
    return (datetime.now().astimezone() - timedelta(hours=1)).time()


def asked_before(**ago: float) -> None:
    choose(nightly.ASKED_SETTING, (now() - timedelta(**ago)).isoformat())


def checks_asked_for() -> list[str]:
    return [row.key for row in models.QueueEntry.select().where(models.QueueEntry.state == "queued")]


def test_a_night_that_the_host_was_off_is_made_good_once(instance: Instance, at: time) -> None:
    asked_before(hours=25)
    nightly.ask_if_missed(instance, at)
    assert checks_asked_for() == ["check:*"]
    queue.finish(models.QueueEntry.get(), "done", "", now())
    nightly.ask_if_missed(instance, at)
    assert checks_asked_for() == []


def test_a_night_that_was_asked_for_is_not_made_good(instance: Instance, at: time) -> None:
    asked_before(hours=1)
    nightly.ask_if_missed(instance, at)
    assert checks_asked_for() == []


def test_before_the_first_night_none_is_missed(instance: Instance, at: time) -> None:
    nightly.ask_if_missed(instance, at)
    assert checks_asked_for() == [] and setting(nightly.ASKED_SETTING, None) is not None


def test_while_autossl_is_disabled_none_is_missed(instance: Instance, at: time) -> None:
    asked_before(days=30)
    models.Provider.update(current=False).execute()
    nightly.ask_if_missed(instance, at)
    nightly.ask(instance)
    models.Provider.update(current=True).execute()
    nightly.ask_if_missed(instance, at)
    assert checks_asked_for() == []


def test_what_could_not_be_asked_for_is_owed(
    instance: Instance, at: time, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_before(hours=25)

    def refuses(*_: object, **__: object) -> None:
        raise Failure("account_key_missing", "its key is gone")

    with monkeypatch.context() as patch:
        patch.setattr(checks, "request", refuses)
        with pytest.raises(Failure):
            nightly.ask(instance)
    nightly.ask_if_missed(instance, at)
    assert checks_asked_for() == ["check:*"]


def test_the_clock_keeps_when_it_asked_and_the_tick_looks_at_that(
    instance: Instance, at: time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.wiring.background.nightly_time", lambda config: at)
    worker = Background(instance)
    worker._duties = ()
    asked_before(hours=25)
    worker._nightly()
    queue.finish(models.QueueEntry.get(), "done", "", now())
    worker._tick()
    assert checks_asked_for() == []
    asked_before(hours=25)
    worker._tick()
    assert checks_asked_for() == ["check:*"]
