"""The API's functions about what is wrong with names."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

import models
from jobs.wiring.instance import now
from tests.panel.api.api_client import Script, rows, script

START = "2026-11-24T10:00:00.000Z"


@pytest.fixture
def troubled(app: Flask) -> None:
    with rows():
        begun = now().replace(year=2026, month=11, day=24, hour=10, minute=0, second=0, microsecond=0)
        for start, moment in (("2026-11-23T10:00:00.000Z", begun - timedelta(days=1)), (START, begun),
                              ("2026-11-25T10:00:00.000Z", begun + timedelta(days=1))):
            models.Run.create(start=start, provider="x", scope="*", started_at=moment, finished_at=moment)
        seen = begun + timedelta(seconds=5)
        for website, name, code, text in (
            ("alice.test", "shop.alice.test", "dns_nxdomain", "there is \x1b[31mno such name\n"),
            ("alice.test", "mail.alice.test", "guess_unused", "nobody uses it"),
            ("alice.test", "", "config_test_failed", "/etc/apache2/x.conf of bob: syntax error"),
            ("bob.test", "bob.test", "http_timeout", "no answer"),
        ):
            models.Problem.create(website=website, name=name, code=code, text=text, since=seen, seen_at=seen)


WHOLE = {"domain": "alice.test", "problem": "/etc/apache2/x.conf of bob: syntax error", "time": "2026-11-24T10:00:05Z"}
SHOP = {"domain": "shop.alice.test", "problem": "there is  [31mno such name ", "time": "2026-11-24T10:00:05Z"}


def test_the_problems_of_an_account_with_the_log_that_has_them(admin: Script, troubled: None) -> None:
    assert admin.data("get_autossl_problems_for_user", username="alice") == {
        "problems_by_domain": [{**WHOLE, "log": START}, {**SHOP, "log": START}]
    }


def test_the_problems_of_one_name(admin: Script, troubled: None) -> None:
    def of(domain: str) -> list[dict]:
        found: list[dict] = admin.data("get_autossl_problems_for_domain", domain=domain)["problems_by_domain"]
        return found

    assert of("SHOP.alice.test") == [{**SHOP, "log": START}]
    assert of("alice.test") == [{**WHOLE, "log": START}]
    assert of("mail.alice.test") == [], "a guessed name that does not exist is no problem"
    assert of("www.shop.alice.test") == []


def test_a_user_sees_the_own_problems(app: Flask, alice: Script, troubled: None) -> None:
    whole, shop = alice.data("SSL::get_autossl_problems")
    assert shop == SHOP
    assert {**whole, "problem": ""} == {**WHOLE, "problem": ""}
    assert "apache2" not in whole["problem"] and "bob" not in whole["problem"], "nothing of the host's inside"
    assert "There is nothing that you have to do" in whole["problem"]
    (row,) = alice.data("get_autossl_problems_for_domain", domain="alice.test")["problems_by_domain"]
    assert row["problem"] == whole["problem"]
    assert [row["domain"] for row in script(app, "bob").data("SSL::get_autossl_problems")] == ["bob.test"]


def test_a_name_that_was_excluded_since_has_no_problem_any_more(alice: Script, troubled: None) -> None:
    alice.data("SSL::add_autossl_excluded_domains", domains="shop.alice.test")
    assert [row["domain"] for row in alice.data("SSL::get_autossl_problems")] == ["alice.test"]


def test_another_s_name_is_as_unknown_as_one_that_does_not_exist(alice: Script, troubled: None) -> None:
    for function in ("get_autossl_problems_for_domain", "get_autossl_pending_queue_for_domain"):
        theirs, nobodys = alice.refused(function, domain="bob.test"), alice.refused(function, domain="nob.test")
        assert theirs[0] == nobodys[0] == 404
        assert theirs[1].replace("bob.test", "") == nobodys[1].replace("nob.test", "")
    assert alice.data("get_autossl_problems_for_domain", domain="shop.alice.test")["problems_by_domain"]


@pytest.mark.parametrize("name", ["test", "%", '"%"', "alice_test", "*.test", "ice.test", "xn--", "alice.test."])
def test_no_name_that_is_not_a_website_s_finds_one(admin: Script, troubled: None, name: str) -> None:
    status = admin.call("get_autossl_problems_for_domain", domain=name).status_code
    assert status == (200 if name == "alice.test." else 404 if name == "ice.test" else 422)
