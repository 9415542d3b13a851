"""Signing in and out: what opens, what does not, and what is said then."""

from __future__ import annotations

import logging

import pytest
from flask import Flask

import models
from jobs.policy.attempts import LIMITS
from jobs.wiring import people
from tests.panel.browser import PASSWORD, Browser, user
from tests.panel.command_line import Line

FREE = LIMITS["pair"].free


def test_the_right_password_leads_to_the_first_page(browser: Browser) -> None:
    answer = browser.sign_in()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-autossl=")
    assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert "Domain" not in cookie and "Expires" not in cookie and "Max-Age" not in cookie
    assert browser.get("/").status_code == 200
    assert browser.get("/login").status_code == 302


@pytest.mark.parametrize(
    ("name", "password"),
    [("root", "wrong"), ("nobody", PASSWORD), ("", ""), ("root", ""), ("ROOT", PASSWORD), ("root\0", PASSWORD),
     ("r" * 5000, PASSWORD), ("root", "x" * 5000), ("' OR 1=1 --", PASSWORD), ("root", "\udcff")],
)
def test_a_wrong_sign_in_gets_one_and_the_same_sentence(browser: Browser, name: str, password: str) -> None:
    answer = browser.sign_in(name, password.encode("utf-8", "replace").decode())
    assert answer.status_code == 422
    assert "That name and password don&#39;t belong together." in answer.text
    assert not browser.signed_in()


def test_a_form_without_fields_is_a_wrong_sign_in(browser: Browser) -> None:
    assert browser.post("/login", "/login").status_code == 422


def test_a_user_without_a_password_can_not_sign_in(browser: Browser) -> None:
    models.User.update(password=None).execute()
    for password in ("", "None", PASSWORD):
        assert browser.sign_in(password=password).status_code == 422


def test_the_typed_name_comes_back_escaped(browser: Browser) -> None:
    answer = browser.sign_in('"><script>alert(1)</script>', "wrong")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_the_page_asked_for_comes_after_the_sign_in(browser: Browser) -> None:
    asked = browser.get("/audit?q=root")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/login?next=/audit?q%3Droot")
    form = browser.get(asked.headers["Location"])
    assert 'name="next" value="/audit?q=root"' in form.text
    assert browser.sign_in(next="/audit?q=root").headers["Location"] == "/audit?q=root"


@pytest.mark.parametrize(
    "next_", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example",
              "\\\\evil.example", "login", "http:evil.example"]
)
def test_the_sign_in_never_leads_elsewhere(browser: Browser, next_: str) -> None:
    assert browser.sign_in(next=next_).headers["Location"] == "/"


def test_an_ended_session_sends_the_browser_to_the_login_page_and_not_into_a_cell(browser: Browser) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://panel.example.com/audit?q=root"}
    answer = browser.get("/audit", headers=headers)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["HX-Redirect"] == "/login?next=/audit?q%3Droot"


def test_guessing_is_stopped_for_a_time_and_the_right_password_waits_too(browser: Browser) -> None:
    for _ in range(FREE):
        assert browser.sign_in(password="wrong").status_code == 422
    answer = browser.sign_in()
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "Too many failed attempts to log in. Try again in 1 min." in answer.text
    assert not browser.signed_in()


def test_the_limit_survives_a_restart_and_holds_for_names_that_do_not_exist(line: Line, app: Flask) -> None:
    from panel import create_app

    for name in ("root", "nobody"):
        for _ in range(FREE):
            Browser(app).sign_in(name, "wrong")
        models.database.close()
        assert Browser(create_app(line.instance)).sign_in(name, "wrong").status_code == 429


def test_a_forwarded_address_is_not_believed(app: Flask) -> None:
    for number in range(FREE):
        browser = Browser(app)
        browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"203.0.113.{number}"
        browser.sign_in(password="wrong")
    assert Browser(app).sign_in().status_code == 429


def test_another_browser_elsewhere_is_not_kept_out_by_it(browser: Browser, other: Browser) -> None:
    for _ in range(FREE + 1):
        other.sign_in(password="wrong")
    assert browser.sign_in().status_code == 303


def test_each_refusal_is_a_log_line_that_a_name_can_not_forge(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "autossl.auth"):
        browser.sign_in("root\nrefused a sign-in from 203.0.113.9 for 'x'", "wrong")
        browser.sign_in()
    refused, signed = [record.getMessage() for record in caplog.records if record.name == "autossl.auth"]
    assert refused.startswith('refused a sign-in from 192.0.2.1 for "root\\nrefused') and "\n" not in refused
    assert signed == "signed in root from 192.0.2.1"


def test_a_hash_of_less_work_is_replaced_at_the_sign_in(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user().password.startswith("scrypt:1024:8:1$")
    monkeypatch.setattr(people, "METHOD", "scrypt:2048:8:1")
    browser.sign_in()
    assert user().password.startswith("scrypt:2048:8:1$")
    browser.post("/logout")
    assert browser.sign_in().status_code == 303


def test_signing_out_needs_the_form_and_ends_the_session(browser: Browser) -> None:
    browser.sign_in()
    cookie = browser.cookie
    assert browser.get("/logout").status_code == 405
    assert browser.client.post("/logout", base_url="https://panel.example.com").status_code == 400
    assert browser.signed_in()
    answer = browser.post("/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert not browser.signed_in()
    browser.cookie = cookie
    assert not browser.signed_in()
    assert models.Session.select().count() == 0


@pytest.mark.parametrize("sent", [None, "", "forged"])
def test_a_sign_in_without_its_token_does_nothing(browser: Browser, sent: str | None) -> None:
    browser.token("/login")
    data = {"name": "root", "password": PASSWORD} | ({} if sent is None else {"csrf_token": sent})
    assert browser.client.post("/login", base_url="https://panel.example.com", data=data).status_code == 400
    assert not browser.signed_in()


def test_the_token_of_before_the_sign_in_is_of_no_use_afterwards(browser: Browser) -> None:
    before = browser.token("/login")
    browser.sign_in()
    answer = browser.client.post("/logout", base_url="https://panel.example.com", data={"csrf_token": before})
    assert answer.status_code == 400
    assert browser.signed_in()


def test_who_only_looks_at_the_login_page_leaves_nothing_in_the_database(browser: Browser) -> None:
    browser.get("/login")
    browser.sign_in("nobody", "wrong")
    assert models.Session.select().count() == 0


def test_no_password_opens_a_fresh_installation(fresh: Line) -> None:
    from panel import create_app

    fresh.run("init", "--admin", "root", "--link")
    models.database.close()
    app = create_app(fresh.instance)
    for name in ("root", "admin"):
        for password in ("", "root", "admin", "password", "autossl"):
            assert Browser(app, address=f"192.0.2.{len(password)}").sign_in(name, password).status_code == 422
