"""Manage Users: Check on a row, its live state, and how the page stops asking."""

from __future__ import annotations

import re

import pytest
from flask import Flask

import models
from jobs import queue
from jobs.policy.access import Role
from jobs.wiring import checks, options
from jobs.wiring.instance import now
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.queries import recorded

PART = {"HX-Request": "true"}
RUN = "2026-11-25T10:00:00.000Z"


@pytest.fixture
def root(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Browser:
    monkeypatch.setattr(checks, "_chosen", lambda instance: (None, None))
    seed.provider()
    seed.accounts(3)
    browser.sign_in()
    return browser


def check(browser: Browser, account: str, **headers: str):
    data = {"csrf_token": browser.token("/security")}
    return browser.client.post(
        f"/account/{account}/check", base_url="https://panel.example.com", data=data, headers=headers
    )


def watched(text: str) -> list[str]:
    return re.findall(r'name="watch" value="([^"]+)"', text)


def poll(browser: Browser, *watch: str):
    return browser.get("/users/checks", headers=PART, query_string={"watch": list(watch)})


def test_a_check_is_queued_and_the_row_begins_to_ask(root: Browser) -> None:
    assert watched(root.get("/users").text) == [] and "every 2s" not in root.get("/users", headers=PART).text
    answer = check(root, "user00001", **PART)
    row = models.QueueEntry.get()
    assert (row.key, row.account) == ("check:user00001", "user00001") and '"forced": true' in row.payload
    assert watched(answer.text) == [f"user00001:{row.id}:queued"]
    assert 'id="users-poll" hx-swap-oob="true" hx-get="/users/checks" hx-trigger="every 2s"' in answer.text
    assert "The check of user00001 was asked for." in answer.text
    assert "Queued" in answer.text


def test_a_second_one_joins_it_and_says_so(root: Browser) -> None:
    check(root, "user00001", **PART)
    assert "this request joined it." in check(root, "user00001", **PART).text
    queue.update(models.QueueEntry.get(), state="running")
    assert "A check of user00001 is under way" in check(root, "user00001", **PART).text
    assert models.QueueEntry.select().count() == 1


def test_without_htmx_it_leads_back_and_is_told_there(root: Browser) -> None:
    answer = check(root, "user00001", Referer="https://panel.example.com/users?q=shop")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/users?q=shop")
    assert "The check of user00001 was asked for." in root.get("/users").text
    assert check(root, "user00001").headers["Location"] == "/users"


def test_the_page_asks_while_something_is_under_way_and_no_longer(root: Browser) -> None:
    check(root, "user00001", **PART)
    row = models.QueueEntry.get()
    (watch,) = watched(root.get("/users").text)
    assert poll(root, watch).status_code == 204
    queue.update(row, state="running")
    moved = poll(root, watch)
    assert moved.status_code == 200 and watched(moved.text) == [f"user00001:{row.id}:running"]
    assert "Running" in moved.text and 'hx-swap-oob="true"' in moved.text
    queue.finish(row, "done", RUN, now())
    models.Account.update(covered=3, problems=0).where(models.Account.name == "user00001").execute()
    over = poll(root, f"user00001:{row.id}:running")
    assert over.status_code == 286 and watched(over.text) == []
    assert "Done" in over.text and f'href="/logs/{RUN}"' in over.text and "3 of 3" in over.text
    assert "The check of user00001 is over." in over.text
    text = root.get("/users").text
    assert watched(text) == [] and "Done" in text and "every 2s" not in text.partition('id="users"')[2]


@pytest.mark.parametrize(
    ("state", "answer", "said"),
    [
        ("failed", RUN, "Done, with problems"),
        ("failed", "the directory of the CA did <b>not</b>\x1b answer", "the directory of the CA did &lt;b&gt;not"),
        ("cancelled", "cancelled by a person", "Cancelled"),
    ],
)
def test_each_end_has_its_words(root: Browser, state: str, answer: str, said: str) -> None:
    check(root, "user00000", **PART)
    row = models.QueueEntry.get()
    queue.finish(row, state, answer, now())
    text = poll(root, f"user00000:{row.id}:queued").text
    assert said in text and "\x1b" not in text
    assert said in root.get("/users").text


def test_a_check_of_all_is_shown_on_every_row(root: Browser) -> None:
    row = seed.running()
    assert watched(root.get("/users").text) == [f"user0000{n}:{row.id}:running" for n in range(3)]
    queue.finish(row, "failed", row.answer, now())
    text = poll(root, f"user00002:{row.id}:running").text
    assert "Done" in text and "with problems" not in text, "whose problems these were is not said"


def test_a_suspended_or_disabled_account_is_not_queued(root: Browser) -> None:
    models.Account.update(state="suspended").where(models.Account.name == "user00001").execute()
    models.Account.update(override="disabled").where(models.Account.name == "user00002").execute()
    assert "user00001 is not checked: the account is suspended." in check(root, "user00001", **PART).text
    assert "AutoSSL is disabled for this account." in check(root, "user00002", **PART).text
    assert models.QueueEntry.select().count() == 0


def test_without_a_provider_the_reason_is_said(browser: Browser) -> None:
    seed.accounts(1)
    browser.sign_in()
    answer = check(browser, "user00000", **PART)
    assert answer.status_code == 409 and "AutoSSL is disabled: no provider is in use." in answer.text
    assert answer.headers["HX-Retarget"] == "#status"


@pytest.mark.parametrize(
    "watch", ["", "user00001", "user00001:x:queued", "nobody:1:queued", "user00001:99:queued", "user00002:1:queued",
              "<b>:1:queued", f"user00001:{'9' * 30}:queued"],
)
def test_nonsense_ends_the_asking(root: Browser, watch: str) -> None:
    check(root, "user00001", **PART)
    assert poll(root, watch).status_code == 286


def test_nobody_watches_or_checks_somebody_elses(root: Browser, app: Flask, other: Browser) -> None:
    add("rita", Role.RESELLER)
    options.save(app.extensions["autossl"].config, {"resellers": True})
    other.sign_in("rita")
    assert check(other, "user00001", **PART).status_code == 404
    check(root, "user00001", **PART)
    row = models.QueueEntry.get()
    queue.finish(row, "done", RUN, now())
    answer = poll(other, f"user00001:{row.id}:queued")
    assert "user00001" not in answer.text
    assert check(other, "user00000", **PART).status_code == 200


def test_the_poll_takes_as_many_queries_for_many_rows_as_for_one(root: Browser) -> None:
    seed.accounts(22, first=3)
    row = seed.running()
    counts = []
    for number in (1, 25):
        watch = [f"user{n:05}:{row.id}:queued" for n in range(number)]
        poll(root, *watch)
        with recorded() as said:
            assert poll(root, *watch).status_code == 200
        counts.append(len(said))
    assert counts[0] == counts[1]
