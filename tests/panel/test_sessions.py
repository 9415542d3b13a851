"""Sessions: where somebody is signed in, how that ends, and what a stolen cookie or table is worth."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from flask import Flask

import models
from jobs.wiring.instance import now
from panel import create_app
from tests.panel.browser import PASSWORD, Browser, user
from tests.panel.command_line import Line

IDLE, ABSOLUTE = timedelta(minutes=120), timedelta(hours=12)


def set_back(**by: timedelta) -> None:
    """As if all sessions were so much older."""
    for row in models.Session.select():
        values = {name: getattr(row, name) - age for name, age in by.items()}
        models.Session.update(**values).where(models.Session.hash == row.hash).execute()


def test_the_browser_holds_a_random_id_and_nothing_else(browser: Browser) -> None:
    browser.sign_in()
    assert len(browser.cookie) == 43 and "." not in browser.cookie


def test_the_id_can_not_be_read_from_the_database(line: Line, browser: Browser) -> None:
    browser.sign_in()
    identifier = browser.cookie
    row = models.Session.get()
    assert row.hash == hashlib.sha256(identifier.encode()).hexdigest()
    models.database.close()
    stored = b"".join(path.read_bytes() for path in line.instance.glob("panel.sqlite3*"))
    assert identifier.encode() not in stored
    assert row.hash.encode() in stored


def test_what_the_table_says_opens_nothing(app: Flask, browser: Browser) -> None:
    browser.sign_in()
    thief = Browser(app)
    thief.cookie = models.Session.get().hash
    assert not thief.signed_in()


def test_the_id_is_new_at_the_sign_in_and_the_one_before_is_of_no_use(app: Flask, browser: Browser) -> None:
    browser.get("/login")
    before = browser.cookie
    assert before
    browser.sign_in()
    assert browser.cookie != before
    first = browser.cookie
    browser.post("/login", name="root", password=PASSWORD)
    assert browser.cookie != first
    for old in (before, first):
        left = Browser(app)
        left.cookie = old
        assert not left.signed_in()
    assert models.Session.select().count() == 1


def test_a_cookie_that_an_attacker_planted_does_not_become_a_session(app: Flask, browser: Browser) -> None:
    attacker = Browser(app)
    attacker.get("/login")
    browser.cookie = attacker.cookie
    browser.sign_in()
    assert not attacker.signed_in()
    attacker.cookie = "A" * 43
    browser.cookie = "A" * 43
    browser.sign_in()
    assert browser.cookie != "A" * 43
    assert not attacker.signed_in()


def test_a_signed_cookie_that_names_a_user_is_no_session(app: Flask, browser: Browser) -> None:
    """Even who knows the signing key can't make one: a session is a row."""
    with browser.client.session_transaction(base_url="https://panel.example.com") as session:
        session["_user_id"] = str(user().id)
        session["_fresh"] = True
    assert not browser.signed_in()


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 3000, "\x01", "eyJfdXNlcl9pZCI6IjEifQ.aaaa.bbbb"])
def test_a_cookie_that_is_none_of_ours_is_nobody(browser: Browser, value: str) -> None:
    browser.cookie = value
    assert browser.get("/").status_code == 303
    assert browser.get("/login").status_code == 200


def test_a_session_ends_after_two_hours_without_a_request(browser: Browser) -> None:
    browser.sign_in()
    set_back(seen_at=IDLE - timedelta(minutes=1))
    assert browser.signed_in()
    set_back(seen_at=IDLE)
    assert not browser.signed_in()
    assert models.Session.select().count() == 0


def test_a_session_ends_twelve_hours_after_the_sign_in_however_busy(browser: Browser) -> None:
    browser.sign_in()
    set_back(created_at=ABSOLUTE - timedelta(minutes=1))
    assert browser.signed_in()
    set_back(created_at=timedelta(minutes=1))
    assert not browser.signed_in()


def test_a_change_of_the_password_does_not_lengthen_a_session(browser: Browser) -> None:
    browser.sign_in()
    set_back(created_at=ABSOLUTE - timedelta(minutes=5))
    browser.post("/security/password", password=PASSWORD, new="another password", again="another password")
    assert browser.signed_in()
    set_back(created_at=timedelta(minutes=5))
    assert not browser.signed_in()


def test_the_limits_are_settings(line: Line) -> None:
    (line.instance / "config.toml").write_text("[panel]\nsession_idle_minutes = 5\nsession_hours = 1\n")
    browser = Browser(create_app(line.instance))
    browser.sign_in()
    set_back(seen_at=timedelta(minutes=5))
    assert not browser.signed_in()
    browser.sign_in()
    set_back(created_at=timedelta(hours=1))
    assert not browser.signed_in()


@pytest.mark.parametrize("key", ["session_idle_minutes", "session_hours"])
def test_a_limit_of_nothing_is_refused(line: Line, key: str) -> None:
    (line.instance / "config.toml").write_text(f"[panel]\n{key} = 0\n")
    answer = line.run("user", "list")
    assert answer.code == 2
    assert f"panel.{key}: expected 1 to" in answer.err


@pytest.mark.parametrize("change", [{"HTTP_USER_AGENT": "Another"}, {"REMOTE_ADDR": "203.0.113.9"}])
def test_a_stolen_cookie_is_of_no_use_in_another_browser_or_elsewhere(browser: Browser, change: dict[str, str]) -> None:
    browser.sign_in()
    assert browser.get("/security", environ_overrides=change).status_code == 303
    header = {**change, "HTTP_X_FORWARDED_FOR": "192.0.2.1"}
    assert browser.get("/security", environ_overrides=header).status_code == 303
    assert browser.signed_in()


def test_a_session_may_be_let_move_with_its_browser(line: Line) -> None:
    (line.instance / "config.toml").write_text("[panel]\nsession_bound_to_address = false\n")
    browser = Browser(create_app(line.instance))
    browser.sign_in()
    assert browser.get("/security", environ_overrides={"REMOTE_ADDR": "203.0.113.9"}).status_code == 200
    assert browser.get("/security", environ_overrides={"HTTP_USER_AGENT": "Another"}).status_code == 303


def test_the_last_use_is_written_at_most_once_a_minute(browser: Browser) -> None:
    browser.sign_in()
    first = models.Session.get().seen_at
    browser.get("/security")
    assert models.Session.get().seen_at == first
    set_back(seen_at=timedelta(seconds=61))
    browser.get("/security")
    assert now() - models.Session.get().seen_at < timedelta(seconds=10)


def test_the_page_says_where_one_is_signed_in_and_ends_one_of_them(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    other.sign_in()
    page = browser.get("/security").text
    for shown in ("192.0.2.1", "198.51.100.7", "Another", "this browser"):
        assert shown in page
    (row,) = models.Session.select().where(models.Session.agent == "Another")
    assert browser.cookie not in page
    assert browser.post("/security/sessions/end", session=row.hash).status_code == 303
    assert not other.signed_in()
    assert browser.signed_in()


def test_all_others_are_ended_by_one_button_and_this_one_gets_a_new_id(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    other.sign_in()
    before = browser.cookie
    assert browser.post("/security/sessions/end-others").status_code == 303
    assert (browser.signed_in(), other.signed_in()) == (True, False)
    assert browser.cookie != before


@pytest.mark.parametrize("session", ["", "nothing", "0" * 64])
def test_a_session_that_is_not_there_can_not_be_ended(browser: Browser, session: str) -> None:
    browser.sign_in()
    assert browser.post("/security/sessions/end", session=session).status_code == 404


def test_a_new_password_ends_the_others_and_changes_this_one(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    other.sign_in()
    before = browser.cookie
    answer = browser.post("/security/password", password=PASSWORD, new="another password", again="another password")
    assert answer.status_code == 303
    assert "The password is changed." in browser.get("/security").text
    assert (browser.signed_in(), other.signed_in()) == (True, False)
    assert browser.cookie != before
    assert other.sign_in().status_code == 422
    assert other.sign_in(password="another password").status_code == 303


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"password": "wrong", "new": "another password", "again": "another password"}, "That is not your password."),
        ({"password": PASSWORD, "new": "another password", "again": "different"}, "The two new passwords differ."),
        ({"password": PASSWORD, "new": "short", "again": "short"}, "The password has 5 characters: expected 10 to"),
        ({"password": PASSWORD, "new": "x" * 1001, "again": "x" * 1001}, "expected 10 to 1000."),
        ({}, "That is not your password."),
    ],
)
def test_a_new_password_that_is_not_taken_changes_nothing(browser: Browser, typed: dict[str, str], said: str) -> None:
    browser.sign_in()
    before = user().password
    answer = browser.post("/security/password", **typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert user().password == before


def test_guessing_the_password_in_an_open_session_is_limited_too(browser: Browser) -> None:
    browser.sign_in()
    for _ in range(5):
        assert browser.post("/security/password", password="wrong", new="x", again="x").status_code == 422
    answer = browser.post("/security/password", password=PASSWORD, new="another password", again="another password")
    assert answer.status_code == 429
    assert "Try again in 1 min." in answer.text


def test_a_user_who_was_removed_is_signed_out_at_once(line: Line, browser: Browser) -> None:
    line.run("admin", "add", "second", "--password-file", "-", stdin=PASSWORD + "\n")
    browser.sign_in("second")
    assert browser.signed_in()
    line.run("user", "remove", "second")
    assert not browser.signed_in()


def test_a_session_is_no_cookie_after_the_browser_is_closed_and_static_files_ask_no_table(browser: Browser) -> None:
    browser.sign_in()
    models.database.close()
    answer = browser.get("/static/autossl.css")
    assert answer.status_code == 200
    assert models.database.is_closed()
    assert "Set-Cookie" not in answer.headers
