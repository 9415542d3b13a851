"""Set-up links: by one the first administrator chooses a password, once, within a day."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask

import models
from jobs.wiring.instance import now
from panel import create_app
from tests.panel.browser import HTTPS, PASSWORD, Browser, user
from tests.panel.command_line import Line


@pytest.fixture
def link(fresh: Line) -> str:
    """The path of the link of a fresh installation without any password."""
    answer = fresh.run("init", "--admin", "root", "--link", "--json")
    assert answer.code == 0, answer.err
    made = json.loads(answer.out)
    assert "password" not in made
    models.database.close()
    return urlsplit(made["link"]).path


@pytest.fixture
def app(fresh: Line, link: str) -> Flask:
    return create_app(fresh.instance)


def choose(browser: Browser, link: str, password: str = PASSWORD, again: str = PASSWORD):
    return browser.post(link, link, password=password, again=again)


def test_init_prints_the_link_at_the_panels_own_name(fresh: Line) -> None:
    fresh.instance.mkdir()
    (fresh.instance / "config.toml").write_text("[panel]\nhostname = 'panel.example.com'\nbind = '*:8443'\n")
    said = fresh.run("init", "--admin", "root", "--link").out
    assert re.search(r"^  https://panel\.example\.com:8443/setup/[A-Za-z0-9_-]{43}$", said, re.MULTILINE)


def test_the_link_sets_the_password_and_is_used_up(browser: Browser, link: str) -> None:
    page = browser.get(link)
    assert page.status_code == 200 and "root" in page.text
    answer = choose(browser, link)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert "The password is set. Sign in with it." in browser.get("/login").text
    assert browser.get(link).status_code == 404
    token = browser.token("/login")
    data = {"csrf_token": token, "password": "quite another one", "again": "quite another one"}
    assert browser.client.post(link, base_url=HTTPS, data=data).status_code == 404
    assert browser.sign_in().status_code == 303


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [("short", "short", "expected 10 to 1000"), ("", "", "expected 10 to 1000"),
     (PASSWORD, "other", "passwords differ"), ("x" * 1001, "x" * 1001, "expected 10 to 1000")],
)
def test_a_password_that_is_not_taken_leaves_the_link(
    browser: Browser, link: str, password: str, again: str, said: str
) -> None:
    answer = choose(browser, link, password, again)
    assert answer.status_code == 422
    assert said in answer.text
    assert user().password is None
    assert choose(browser, link).status_code == 303


def test_the_link_ends_after_a_day(browser: Browser, link: str) -> None:
    models.SetupLink.update(expires_at=now() + timedelta(minutes=1)).execute()
    assert browser.get(link).status_code == 200
    models.SetupLink.update(expires_at=now()).execute()
    assert browser.get(link).status_code == 404


@pytest.mark.parametrize("text", ["x", "A" * 43, "%00", "..%2f..", "A" * 4000])
def test_a_link_that_never_was_one_says_no_more_than_one_that_is_over(browser: Browser, link: str, text: str) -> None:
    answer = browser.get(f"/setup/{text}")
    assert answer.status_code == 404
    assert "root" not in answer.text


def test_the_table_does_not_tell_the_link(fresh: Line, app: Flask, link: str) -> None:
    models.database.close()
    stored = b"".join(path.read_bytes() for path in fresh.instance.glob("panel.sqlite3*"))
    assert link.rpartition("/")[2].encode() not in stored


def test_a_new_link_ends_the_former_and_the_password_ends_the_sessions(fresh: Line, app: Flask, link: str) -> None:
    browser = Browser(app)
    choose(browser, link)
    browser.sign_in()
    first, second = (
        urlsplit(json.loads(fresh.run("admin", "reset-password", "root", "--link", "--json").out)["link"]).path
        for _ in range(2)
    )
    assert Browser(app).get(first).status_code == 404
    other = Browser(app)
    other.sign_in()
    assert choose(Browser(app), second, "another password", "another password").status_code == 303
    assert not other.signed_in()
    assert Browser(app).sign_in().status_code == 422
    assert Browser(app).sign_in(password="another password").status_code == 303


def test_the_link_itself_is_not_in_the_audit_log(browser: Browser, link: str) -> None:
    choose(browser, link)
    entry = models.AuditEntry.select().where(models.AuditEntry.action == "password.set").get()
    assert (entry.who, entry.object, entry.result) == ("root", "root", "done")
    assert not any(link.rpartition("/")[2] in str(row.__data__) for row in models.AuditEntry.select())
