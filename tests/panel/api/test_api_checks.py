"""The API's functions that ask for checks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

import models
from jobs.wiring import options
from jobs.wiring.instance import Instance, now
from tests.panel.api.api_client import Script, rows, script


@pytest.fixture
def provider(app: Flask) -> None:
    with rows():
        models.Provider.create(name="letsencrypt", plugin="letsencrypt", current=True, added_at=now())


def entry(number: int) -> models.QueueEntry:
    with rows():
        return models.QueueEntry.get_by_id(number)


def test_the_schedule_is_the_nightly_time_as_cron_and_as_a_moment(admin: Script, instance: Instance) -> None:
    with rows():
        options.save(instance.config, {"nightly": "03:17"})
    data = admin.data("get_autossl_check_schedule")
    assert data["cron"] == ["17", "3", "*", "*", "*"]
    moment = datetime.fromisoformat(data["next_time"])
    assert moment.tzinfo == UTC and moment > now()
    local = moment.astimezone()
    assert (local.hour, local.minute) == (3, 17)


def test_a_check_of_all_is_queued_once_and_its_number_answered(admin: Script, provider: None) -> None:
    first = admin.data("start_autossl_check_for_all_users")
    assert set(first) == {"pid"}
    assert admin.data("start_autossl_check_for_all_users", method="POST") == first
    row = entry(first["pid"])
    assert (row.kind, row.key, row.state) == ("check", "check:*", "queued")


def test_a_check_of_one_account_is_asked_for_as_a_person_does(admin: Script, provider: None) -> None:
    row = entry(admin.data("start_autossl_check_for_one_user", username="alice")["pid"])
    assert row.key == "check:alice"
    assert '"forced": true' in row.payload


def test_without_a_provider_no_check_is_asked_for(admin: Script, alice: Script) -> None:
    status, reason = admin.refused("start_autossl_check_for_all_users")
    assert (status, "disabled" in reason) == (409, True)
    assert alice.refused("SSL::start_autossl_check")[0] == 409
    with rows():
        assert models.QueueEntry.select().count() == 0


def test_a_user_asks_for_a_check_of_the_own_account_and_sees_that_it_is_under_way(
    app: Flask, alice: Script, provider: None
) -> None:
    assert alice.call("SSL::is_autossl_check_in_progress").json == {
        "status": 1, "errors": None, "messages": None, "data": 0
    }
    assert alice.data("SSL::start_autossl_check") is None
    assert alice.data("SSL::is_autossl_check_in_progress") == 1
    assert script(app, "bob").data("SSL::is_autossl_check_in_progress") == 0
    with rows():
        models.QueueEntry.update(state="done").execute()
    assert alice.data("SSL::is_autossl_check_in_progress") == 0


def test_a_check_of_all_is_under_way_for_every_user(admin: Script, alice: Script, provider: None) -> None:
    number = admin.data("start_autossl_check_for_all_users")["pid"]
    with rows():
        models.QueueEntry.update(state="running").where(models.QueueEntry.id == number).execute()
    assert alice.data("SSL::is_autossl_check_in_progress") == 1


def test_a_user_whose_account_has_autossl_disabled_is_refused(admin: Script, alice: Script, provider: None) -> None:
    admin.data("add_override_features_for_user", user="alice", features='{"autossl": 0}')
    status, reason = alice.refused("SSL::start_autossl_check")
    assert (status, "disabled" in reason) == (403, True)


def test_the_worker_of_this_process_is_woken(app: Flask, admin: Script, alice: Script, provider: None) -> None:
    class Worker:
        woken = 0

        def wake(self) -> None:
            self.woken += 1

    worker = app.extensions["background"] = Worker()
    admin.data("start_autossl_check_for_one_user", username="bob")
    alice.data("SSL::start_autossl_check")
    assert worker.woken == 2
