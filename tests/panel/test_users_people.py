"""Manage Users: who may sign in."""

from __future__ import annotations

import re

import pytest
from flask import Flask

import models
from jobs.policy.access import Role
from tests.panel import seed
from tests.panel.browser import PASSWORD, Browser, add, user, with_totp

FORM = {"name": "ann", "role": "user", "account": "user00001", "password": PASSWORD}


@pytest.fixture
def root(browser: Browser) -> Browser:
    seed.accounts(3)
    browser.sign_in()
    return browser


def link(text: str) -> str:
    found = re.search(r"<code[^>]*>(https://[^<]+)</code>", text)
    assert found, text
    return found.group(1)


def test_a_user_is_added_by_a_link_that_is_shown_once_and_sets_the_password(root: Browser, app: Flask) -> None:
    answer = root.post("/people/add", **FORM)
    assert answer.status_code == 200
    path = link(answer.text).partition("2087")[2]
    assert path not in root.get("/people/ann").text and "a set-up link is waiting" in root.get("/people/ann").text
    ann = Browser(app, address="192.0.2.77")
    assert ann.post(path, path, password="a new password", again="a new password").status_code == 303
    assert ann.sign_in("ann", "a new password").status_code == 303
    assert (user("ann").role, user("ann").account) == ("user", "user00001")
    assert 'href="/people/ann"' in root.get("/account/user00001").text
    assert path.rpartition("/")[2] not in str(list(models.AuditEntry.select(models.AuditEntry.object).tuples()))


def test_everybody_is_listed_found_and_filtered(root: Browser) -> None:
    add("ann", Role.USER, "user00001")
    add("rita", Role.RESELLER)
    text = root.get("/people").text
    assert all(f'href="/people/{name}"' in text for name in ("root", "ann", "rita"))
    text = root.get("/people?q=user00001", headers={"HX-Request": "true"}).text
    assert "/people/ann" in text and "/people/rita" not in text and "<html" not in text
    assert "/people/rita" in root.get("/people?role=reseller").text
    assert "Nobody is like that" in root.get("/people?q=zzz").text


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"name": ""}, "name", "expected a user name"),
        ({"name": "<b>"}, "name", "expected a user name"),
        ({"name": "root"}, "name", "may log in already"),
        ({"role": "god"}, "role", "Expected one of the choices."),
        ({"account": ""}, "account", "A user belongs to one account"),
        ({"account": "nobody"}, "account", "there is no such account"),
        ({"role": "reseller"}, "account", "Only the user of an account belongs to one"),
        ({"password": "wrong"}, "password", "That is not your password."),
        ({"password": ""}, "password", "That is not your password."),
    ],
)
def test_bad_input_adds_nobody_and_stands_beside_its_field(
    root: Browser, change: dict[str, str], field: str, said: str
) -> None:
    answer = root.post("/people/add", **{**FORM, **change})
    assert answer.status_code == 422
    assert said in answer.text.partition(f'id="{field}-error">')[2].partition("</small>")[0]
    assert "<b>" not in answer.text
    assert [row.name for row in models.User.select()] == ["root"]
    assert models.SetupLink.select().count() == 0


def test_a_password_is_reset_by_a_link_and_sessions_end(root: Browser, other: Browser) -> None:
    add("ann", Role.USER, "user00001")
    other.sign_in("ann")
    refused = root.post("/people/ann/password", password="wrong")
    assert refused.status_code == 422 and "That is not your password." in refused.text
    assert other.signed_in()
    assert "/setup/" in link(root.post("/people/ann/password", password=PASSWORD).text)
    assert not other.signed_in()


def test_two_step_sign_in_is_switched_off_for_who_lost_it(root: Browser) -> None:
    add("ann", Role.USER, "user00001")
    with_totp("ann")
    assert root.post("/people/ann/totp", password="wrong").status_code == 422
    assert user("ann").totp_secret is not None
    assert root.post("/people/ann/totp", password=PASSWORD).status_code == 303
    assert user("ann").totp_secret is None and models.BackupCode.select().count() == 0


def test_sessions_are_ended(root: Browser, other: Browser) -> None:
    add("ann", Role.USER, "user00001")
    other.sign_in("ann")
    assert "198.51.100.7" in root.get("/people/ann").text
    root.post("/people/ann/sessions")
    assert "1 session of ann ended." in root.get("/people/ann").text
    assert not other.signed_in()


def test_somebody_is_removed_after_a_question_and_nobody_themselves(root: Browser, other: Browser) -> None:
    add("rita", Role.RESELLER)
    other.sign_in("rita")
    asked = root.get("/people/rita/remove").text
    assert "May rita sign in no more?" in asked and "1 account is this reseller" in asked
    assert root.post("/people/rita/remove").headers["Location"] == "/people"
    assert not other.signed_in()
    assert root.get("/people/rita").status_code == 404
    add("second", Role.ADMIN)
    refused = root.post("/people/root/remove")
    assert refused.status_code == 422 and "This is you." in refused.text
    assert root.signed_in()


def test_what_changes_people_is_in_the_audit_log(root: Browser) -> None:
    root.post("/people/add", **{**FORM, "password": "wrong"})
    root.post("/people/add", **FORM)
    root.post("/people/ann/password", password=PASSWORD)
    root.post("/people/ann/remove")
    rows = [(row.action, row.object, row.result) for row in models.AuditEntry.select().order_by(models.AuditEntry.id)]
    assert rows[-4:] == [
        ("person.add", "ann user user00001", "refused"),
        ("person.add", "ann user user00001", "done"),
        ("person.reset-password", "ann", "done"),
        ("person.remove", "ann", "done"),
    ]
