"""What stands above every tab, and the check of all that is begun, watched and stopped there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time

import pytest
from flask import Flask

import models
from jobs.policy.access import Role
from jobs.policy.problems import CATALOGUE
from jobs.wiring.instance import now
from panel.header import ALERTS, coming, read
from tests.panel.browser import HTTPS, Browser, add
from tests.panel.queries import plan, recorded

HTMX = {"HX-Request": "true"}


@pytest.fixture
def signed_in(browser: Browser) -> Iterator[Browser]:
    browser.sign_in()
    models.database.connect(reuse_if_open=True)
    yield browser


@pytest.fixture
def provider(signed_in: Browser) -> models.Provider:
    return models.Provider.create(
        name="letsencrypt", plugin="letsencrypt", account_url="https://ca.example/acct/1", current=True, added_at=now()
    )


class Worker:
    """Instead of the background: how often it was woken, and its clock."""

    woken = 0

    class clock:
        @staticmethod
        def next_nightly() -> datetime:
            return datetime(2026, 11, 25, 3, 17, tzinfo=UTC)

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def worker(app: Flask) -> Worker:
    made = app.extensions["background"] = Worker()
    return made


@pytest.fixture
def usable(provider: models.Provider) -> None:
    """There is no key here for an account at a CA; a provider without an account needs none to be asked for a check."""
    models.Provider.update(account_url=None).execute()


def begun(**values: object) -> models.Run:
    settings = {"start": "2026-11-24T11:00:00.000Z", "scope": "*", "started_at": now(), **values}
    return models.Run.create(**settings)


def send(browser: Browser, path: str, headers: dict[str, str] | None = None):
    data = {"csrf_token": browser.token("/security")}
    return browser.client.post(path, base_url=HTTPS, data=data, headers=headers or {})


def seen(page: str) -> str:
    found = re.search(r'hx-get="(/running\?seen=[0-9a-f]+)" hx-trigger="every 2s"', page)
    assert found, page
    return found.group(1)


def test_without_a_provider_it_is_disabled_and_nothing_can_be_run(signed_in: Browser) -> None:
    page = signed_in.get("/audit").text
    assert "Disabled" in page
    assert "Provider account ID" not in page and "Next nightly run" not in page
    assert re.search(r'<button id="run-all" disabled>', page)


def test_it_shows_provider_account_and_the_next_nightly_run(
    signed_in: Browser, provider: models.Provider, worker: Worker
) -> None:
    page = signed_in.get("/audit").text
    assert "https://ca.example/acct/1" in page
    assert '<time datetime="2026-11-25T03:17:00+00:00">2026-11-25 03:17 UTC</time>' in page
    assert '<button id="run-all">Run AutoSSL for All Users</button>' in page
    assert "every 2s" not in page, "nothing runs, and yet it polls"
    models.Provider.update(account_url=None).execute()
    assert "Provider account ID" not in signed_in.get("/audit").text


def test_without_a_clock_of_its_own_it_says_when_the_other_process_begins(
    signed_in: Browser, provider: models.Provider
) -> None:
    models.Setting.create(key="options", value=json.dumps({"nightly": "04:05"}))
    local = coming(time(4, 5), datetime.now())
    assert f"{local:%Y-%m-%d %H:%M} UTC" in signed_in.get("/audit").text


@pytest.mark.parametrize(
    ("clock", "day"), [(datetime(2026, 11, 24, 1, 0), 24), (datetime(2026, 11, 24, 3, 17), 25),
                       (datetime(2026, 11, 24, 23, 0), 25)],
)
def test_the_next_night_is_today_or_tomorrow(clock: datetime, day: int) -> None:
    assert coming(time(3, 17), clock).astimezone().replace(tzinfo=None) == datetime(2026, 11, day, 3, 17)


def test_run_for_all_queues_one_check_and_wakes_the_worker(
    signed_in: Browser, usable: None, worker: Worker
) -> None:
    answer = send(signed_in, "/running", HTMX)
    assert answer.status_code == 200
    assert "Waiting to begin" in answer.text and "was asked for." in answer.text
    assert worker.woken == 1
    again = send(signed_in, "/running", HTMX)
    assert "this request joined it" in again.text
    assert models.QueueEntry.select().count() == 1


def test_it_works_without_javascript(signed_in: Browser, usable: None) -> None:
    answer = send(signed_in, "/running", {"Referer": f"{HTTPS}/audit?q=x"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/audit?q=x")
    page = signed_in.get("/audit?q=x").text
    assert "The check of all accounts was asked for." in page
    begun()
    assert send(signed_in, "/running/stop").headers["Location"] == "/"
    assert "The check ends after the account that it works on." in signed_in.get("/audit").text


def test_without_a_provider_nothing_is_queued_and_the_reason_is_told(signed_in: Browser) -> None:
    answer = send(signed_in, "/running", HTMX)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (409, "#status")
    assert "no provider is in use" in answer.text
    assert models.QueueEntry.select().count() == 0


def test_a_run_is_polled_while_it_goes_on_and_no_longer(signed_in: Browser, provider: models.Provider) -> None:
    run = begun(done=3, total=12, current="alice")
    page = signed_in.get("/audit").text
    assert "<strong>3 / 12</strong>" in page and "alice" in page
    address = seen(page)
    assert signed_in.get(address, headers=HTMX).status_code == 204
    models.Run.update(done=4, current="<bob>").execute()
    moved = signed_in.get(address, headers=HTMX)
    assert moved.status_code == 200
    assert "<strong>4 / 12</strong>" in moved.text and "&lt;bob&gt;" in moved.text
    assert seen(moved.text) != address
    models.Run.update(finished_at=now(), result="done", totals=json.dumps({"websites": 12, "kept": 12})).where(
        models.Run.id == run.id
    ).execute()
    over = signed_in.get(seen(moved.text), headers=HTMX)
    assert over.status_code == 286
    assert "every 2s" not in over.text
    assert "The check is over: 12 websites, 12 kept." in over.text


def test_stop_asks_the_run_once_and_says_so(signed_in: Browser, provider: models.Provider) -> None:
    run = begun(done=3, total=12, current="alice")
    assert "Stop after this account" in signed_in.get("/audit").text
    answer = send(signed_in, "/running/stop", HTMX)
    assert "Stops after this account." in answer.text and "The check ends after the account" in answer.text
    assert models.Run.get_by_id(run.id).stop_asked_at is not None
    assert "not asked to stop already" in send(signed_in, "/running/stop", HTMX).text


def test_banners_tell_what_stops_the_host_with_the_number_of_websites(signed_in: Browser) -> None:
    for number, code in enumerate(["terms_changed", "terms_changed", "config_broken_before", "dns_nxdomain"]):
        models.Problem.create(
            website=f"{number}.example.com", name="", code=code, text="", since=now(), seen_at=now()
        )
    page = signed_in.get("/audit").text
    assert page.count('<p class="banner') == 2
    assert CATALOGUE["terms_changed"].title.replace("'", "&#39;") in page and "2 websites wait." in page
    assert "1 website waits." in page


def test_every_alert_is_in_the_catalogue() -> None:
    assert set(ALERTS) <= set(CATALOGUE)


def test_a_broken_configuration_is_a_banner_and_no_failure(signed_in: Browser, app: Flask) -> None:
    (app.extensions["autossl"].place.instance / "config.toml").write_text("[panel]\nbinds = 3\n")
    page = signed_in.get("/audit")
    assert page.status_code == 200
    assert "config.toml: panel.binds: expected one of" in page.text


def test_only_who_sees_the_host_has_it_and_only_who_runs_the_host_runs_it(
    signed_in: Browser, other: Browser, provider: models.Provider
) -> None:
    models.Account.create(name="alice", source="manual", found_at=now())
    add("alice", Role.USER, "alice")
    begun(current="bob")
    other.sign_in("alice")
    page = other.get("/security").text
    assert "Current provider" not in page and "bob" not in page
    assert other.get("/running", headers=HTMX).status_code == 403
    assert send(other, "/running", HTMX).status_code == 403
    assert send(other, "/running/stop").status_code == 403
    assert models.Run.get().stop_asked_at is None


def test_a_poll_asks_for_its_session_and_the_run_only(signed_in: Browser, provider: models.Provider) -> None:
    begun(done=3, total=12, current="alice")
    address = seen(signed_in.get("/audit").text)
    with recorded() as said:
        assert signed_in.get(address, headers=HTMX).status_code == 204
    asked = {found for sql, _ in said for found in re.findall(r'FROM "(\w+)"', sql)}
    assert asked == {"session", "run"}
    assert len(said) == 2
    for sql, values in said:
        assert not [step for step in plan(sql, values) if step.startswith("SCAN") and "INDEX" not in step], sql


def test_it_costs_six_queries_at_most_each_by_an_index(
    signed_in: Browser, app: Flask, provider: models.Provider
) -> None:
    with app.test_request_context("/"):
        read(app.extensions["autossl"])  # the first one chooses the minute of the night
        with recorded() as said:
            read(app.extensions["autossl"])
    assert 0 < len(said) <= 6
    for sql, values in said:
        if '"provider"' not in sql:  # a handful of rows, ever
            assert not [step for step in plan(sql, values) if step.startswith("SCAN") and "INDEX" not in step], sql


def test_what_waits_for_a_provider_that_is_down_is_counted_without_reading_the_problems(
    signed_in: Browser, app: Flask, provider: models.Provider
) -> None:
    with app.test_request_context("/"), recorded() as said:
        read(app.extensions["autossl"])
    (counted,) = [(sql, values) for sql, values in said if '"problem"' in sql]
    assert any("COVERING INDEX problem_real" in step for step in plan(*counted)), plan(*counted)
