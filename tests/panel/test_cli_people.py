"""`autossl admin`, `user` and `token`: who may log in, and the ways back in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

import models
from jobs.wiring import tokens
from jobs.wiring.instance import now
from tests.panel.browser import PASSWORD, Browser, user, with_totp
from tests.panel.command_line import Line


def data(line: Line, *words: str, stdin: str = "") -> Any:
    answer = line.run(*words, "--json", stdin=stdin)
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


@pytest.fixture
def alice(line: Line) -> None:
    models.Account.create(name="alice", source="apache", found_at=now())


def test_an_administrator_is_added_and_listed(line: Line, app: Flask) -> None:
    made = data(line, "admin", "add", "second", "--password-file", "-", stdin="another password\n")
    assert made == {"name": "second", "role": "admin", "account": None, "contact": None, "password": True,
                    "totp": False}
    assert [one["name"] for one in data(line, "admin", "list")["administrators"]] == ["root", "second"]
    assert Browser(app).sign_in("second", "another password").status_code == 303


def test_a_password_that_nobody_gave_is_made_and_shown_once(line: Line, app: Flask) -> None:
    said = line.run("admin", "add", "second").out
    (password,) = [row.rpartition(": ")[2] for row in said.splitlines() if row.startswith("Password, shown only")]
    assert len(password) == 20
    assert Browser(app).sign_in("second", password).status_code == 303


def test_a_forgotten_password_is_reset_and_the_sessions_end(line: Line, app: Flask, browser: Browser) -> None:
    browser.sign_in()
    for _ in range(6):
        Browser(app, "x").sign_in(password="wrong")
    assert Browser(app).sign_in().status_code == 429
    done = data(line, "admin", "reset-password", "root", "--password-file", "-", stdin="another password\n")
    assert done == {"name": "root", "ended": 1}
    assert not browser.signed_in()
    assert Browser(app).sign_in(password="another password").status_code == 303


def test_a_lost_phone_is_got_over(line: Line, app: Flask, browser: Browser) -> None:
    with_totp()
    assert data(line, "admin", "disable-totp", "root")["changed"] is True
    assert browser.sign_in().headers["Location"] == "/"
    assert data(line, "admin", "disable-totp", "root")["changed"] is False
    assert browser.signed_in()


def test_somebody_is_signed_out_everywhere(line: Line, browser: Browser, other: Browser) -> None:
    browser.sign_in()
    other.sign_in()
    assert data(line, "admin", "end-sessions", "root") == {"name": "root", "ended": 2}
    assert not browser.signed_in() and not other.signed_in()


def test_a_user_belongs_to_an_account_and_a_reseller_to_none(line: Line, alice: None) -> None:
    made = data(line, "user", "add", "ann", "--account", "alice", "--password-file", "-", stdin=PASSWORD + "\n")
    assert (made["role"], made["account"]) == ("user", "alice")
    made = data(line, "user", "add", "rita", "--role", "reseller", "--link")
    assert (made["role"], made["password"]) == ("reseller", False) and "/setup/" in made["link"]
    found = {one["name"]: one["role"] for one in data(line, "user", "list")["users"]}
    assert found == {"root": "admin", "ann": "user", "rita": "reseller"}
    assert data(line, "user", "remove", "ann") == {"name": "ann", "removed": True}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["user", "add", "ann", "--account", "nobody"], "nobody: there is no such account"),
        (["user", "add", "ann", "--account", "unassigned"], "unassigned: there is no such account"),
        (["user", "add", "ann"], "expected --account for a user"),
        (["user", "add", "ann", "--role", "reseller", "--account", "alice"], "none for a reseller"),
        (["user", "add", "ann", "--role", "admin"], "'admin' is not one of"),
        (["user", "add", "ro ot", "--account", "alice"], "expected a user name"),
        (["user", "add", "root", "--account", "alice"], "may log in already"),
        (["user", "remove", "nobody"], "nobody of that name may log in"),
        (["user", "remove", "root"], "the only administrator"),
        (["admin", "add", "root"], "may log in already"),
        (["admin", "add", "second", "--link", "--password-file", "-"], "either --password-file or --link"),
        (["admin", "reset-password", "nobody"], "nobody of that name may log in"),
        (["admin", "disable-totp", "nobody"], "nobody of that name may log in"),
        (["admin", "end-sessions", "nobody"], "nobody of that name may log in"),
        (["token", "add", "--user", "nobody", "--label", "x"], "nobody of that name may log in"),
        (["token", "add", "--user", "root", "--label", "x", "--days", "0"], "expected 1 to 366, got 0"),
        (["token", "add", "--user", "root", "--label", "x", "--account", "nobody"], "none of the name 'nobody'"),
        (["token", "revoke", "nothing"], "there is no such token"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_sentence_and_changes_nothing(line: Line, alice: None, words: list[str], said: str) -> None:
    before = [user.__data__ for user in models.User.select()]
    answer = line.run(*words, stdin=PASSWORD + "\n")
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert [user.__data__ for user in models.User.select()] == before
    assert models.Token.select().count() == 0


def test_a_weak_password_is_refused(line: Line) -> None:
    for words in (["admin", "add", "second"], ["admin", "reset-password", "root"]):
        answer = line.run(*words, "--password-file", "-", stdin="short\n")
        assert answer.code == 2 and "expected 10 to 1000" in answer.err
    assert user().password and [row.name for row in models.User.select()] == ["root"]


def test_a_token_is_made_listed_and_revoked(line: Line) -> None:
    made = data(line, "token", "add", "--user", "root", "--label", "nightly", "--scope", "check", "--days", "7")
    secret = made.pop("secret")
    found = tokens.authenticate(f"Bearer {secret}")
    assert found is not None and found.user == "root"
    (listed,) = data(line, "token", "list")["tokens"]
    assert {**listed, "used_at": None} == made
    assert listed["used_at"] is not None
    assert secret not in line.run("token", "list").out
    assert data(line, "token", "list", "--user", "root")["tokens"] == [listed]
    data(line, "token", "revoke", made["token"])
    assert tokens.authenticate(f"Bearer {secret}") is None
    assert "There are no tokens." in line.run("token", "list").out
