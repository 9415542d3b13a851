"""One's own API tokens on the page: made with the password, shown once, revoked."""

from __future__ import annotations

import re

import pytest
from flask import Flask

import models
from jobs.policy.access import Role
from jobs.wiring import tokens
from jobs.wiring.instance import now
from tests.panel.browser import PASSWORD, Browser, add
from tests.panel.command_line import Line

FORM = {"label": "nightly script", "scope": "check", "account": "", "days": "30", "password": PASSWORD}


def made(browser: Browser, **changes: str) -> str:
    answer = browser.post("/security/tokens", **{**FORM, **changes})
    assert answer.status_code == 200, answer.text
    return re.search(r"autossl_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", answer.text).group(0)


@pytest.fixture
def alice(app: Flask) -> None:
    models.Account.create(name="alice", source="apache", found_at=now())


def test_a_token_is_shown_once_and_opens(browser: Browser) -> None:
    browser.sign_in()
    text = made(browser)
    page = browser.get("/security").text
    assert text not in page and text[:20] in page
    assert "nightly script" in page and "never used" in page
    found = tokens.authenticate(f"Bearer {text}")
    assert found is not None and (found.user, found.label) == ("root", "nightly script")
    assert "last used" in browser.get("/security").text


def test_it_is_kept_as_a_hash_only(line: Line, browser: Browser) -> None:
    browser.sign_in()
    text = made(browser)
    models.database.close()
    stored = b"".join(path.read_bytes() for path in line.instance.glob("panel.sqlite3*"))
    assert text.split("_", 2)[2].encode() not in stored


def test_a_revoked_one_opens_nothing(browser: Browser) -> None:
    browser.sign_in()
    text = made(browser)
    assert browser.post("/security/tokens/revoke", token=text.split("_")[1]).status_code == 303
    assert tokens.authenticate(f"Bearer {text}") is None
    assert browser.post("/security/tokens/revoke", token=text.split("_")[1]).status_code == 404


def test_nobody_revokes_somebody_elses(browser: Browser, other: Browser, alice: None) -> None:
    add("ann", Role.USER, "alice")
    browser.sign_in()
    other.sign_in("ann")
    text = made(browser)
    assert other.post("/security/tokens/revoke", token=text.split("_")[1]).status_code == 404
    assert tokens.authenticate(f"Bearer {text}") is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "wrong"}, "That is not your password."),
        ({"label": ""}, "The label: expected 1 to 60 printable characters, got 0."),
        ({"label": "x" * 61}, "expected 1 to 60 printable characters, got 61."),
        ({"label": "a\x1b[31m"}, "expected 1 to 60 printable characters"),
        ({"scope": "everything"}, "expected one of read, check, manage, got &#39;everything&#39;."),
        ({"scope": ""}, "expected one of read, check, manage"),
        ({"days": "0"}, "The days: expected 1 to 366, got 0."),
        ({"days": "367"}, "The days: expected 1 to 366, got 367."),
        ({"days": "many"}, "The days: expected 1 to 366"),
        ({"days": "9" * 400}, "The days: expected 1 to 366"),
        ({"account": "nobody"}, "The account: there is none of the name &#39;nobody&#39;."),
        ({"account": "<b>"}, "none of the name &#39;&lt;b&gt;&#39;."),
    ],
)
def test_bad_input_makes_no_token_and_is_told_beside_the_form(
    browser: Browser, change: dict[str, str], said: str
) -> None:
    browser.sign_in()
    answer = browser.post("/security/tokens", **{**FORM, **change})
    assert answer.status_code == 422
    assert said in answer.text
    assert models.Token.select().count() == 0


def test_a_user_makes_no_token_for_somebody_elses_account(browser: Browser, alice: None) -> None:
    models.Account.create(name="mallory", source="apache", found_at=now())
    add("ann", Role.USER, "alice")
    browser.sign_in("ann")
    answer = browser.post("/security/tokens", **{**FORM, "account": "mallory"})
    assert answer.status_code == 422
    assert "The account: there is none of the name &#39;mallory&#39;." in answer.text
    assert '<option value="mallory">' not in answer.text and '<option value="alice">' in answer.text
    assert made(browser, account="alice")
