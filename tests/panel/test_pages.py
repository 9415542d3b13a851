"""The pages: sign-in, the first page, health; and what every answer carries."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient

import models
from jobs.wiring.instance import now
from panel import create_app, login
from panel.headers import HEADERS
from tests.panel.command_line import Line

HTTPS = "https://panel.example.com"
PASSWORD = "correct horse"


@pytest.fixture
def browser(line: Line, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(login, "attempts", login.people.Attempts())
    app = create_app(line.instance)
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = "Browser"
    return client


def get(browser: FlaskClient, path: str, **settings):
    return browser.get(path, base_url=HTTPS, **settings)


def token(browser: FlaskClient, path: str = "/login") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', get(browser, path).text)
    assert found
    return found.group(1)


def sign_in(browser: FlaskClient, password: str = PASSWORD, name: str = "root"):
    data = {"csrf": token(browser), "name": name, "password": password}
    return browser.post("/login", base_url=HTTPS, data=data)


def test_health_needs_no_sign_in_and_says_nothing_of_the_host(browser: FlaskClient) -> None:
    for path in ("/healthz", "/readyz"):
        answer = get(browser, path)
        assert (answer.status_code, answer.json) == (200, {"status": "ok"})
        assert "Set-Cookie" not in answer.headers


def test_readiness_fails_when_the_database_does(browser: FlaskClient) -> None:
    models.database.connect(reuse_if_open=True)
    models.database.execute_sql("ALTER TABLE setting RENAME TO hidden")
    models.database.close()
    answer = get(browser, "/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "unavailable"})
    assert get(browser, "/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/login", "/healthz", "/nowhere", "/static/autossl.css"])
def test_every_answer_carries_the_security_headers(browser: FlaskClient, path: str) -> None:
    answer = get(browser, path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/login", "/"])
def test_a_page_needs_no_inline_script_or_style(browser: FlaskClient, path: str) -> None:
    sign_in(browser) if path == "/" else None
    page = get(browser, path).text
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", page)
    assert "http://" not in page and 'src="//' not in page


def test_the_first_page_asks_for_a_sign_in(browser: FlaskClient) -> None:
    answer = get(browser, "/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login")
    assert get(browser, "/login").status_code == 200


def test_the_right_password_leads_to_the_first_page(browser: FlaskClient) -> None:
    answer = sign_in(browser)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-autossl=")
    assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    page = get(browser, "/")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "Disabled" in page.text
    assert get(browser, "/login").status_code == 302


@pytest.mark.parametrize(("name", "password"), [("root", "wrong"), ("nobody", PASSWORD), ("", ""), ("root", "")])
def test_a_wrong_sign_in_gets_one_and_the_same_sentence(browser: FlaskClient, name: str, password: str) -> None:
    answer = sign_in(browser, password, name)
    assert answer.status_code == 422
    assert "That name and password don&#39;t belong together." in answer.text
    assert get(browser, "/").status_code == 302


def test_the_typed_name_comes_back_escaped(browser: FlaskClient) -> None:
    answer = sign_in(browser, "wrong", '"><script>alert(1)</script>')
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_guessing_is_stopped_with_a_time(browser: FlaskClient) -> None:
    for _ in range(login.people.PAIR_LIMIT):
        sign_in(browser, "wrong")
    answer = sign_in(browser)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 901
    assert "Try again in 15 min." in answer.text


@pytest.mark.parametrize("sent", [None, "", "forged"])
def test_a_form_without_its_token_does_nothing(browser: FlaskClient, sent: str | None) -> None:
    token(browser)
    data = {"name": "root", "password": PASSWORD} | ({} if sent is None else {"csrf": sent})
    assert browser.post("/login", base_url=HTTPS, data=data).status_code == 400
    assert get(browser, "/").status_code == 302


def test_signing_out_needs_the_form_and_ends_the_session(browser: FlaskClient) -> None:
    sign_in(browser)
    assert get(browser, "/logout").status_code == 405
    assert browser.post("/logout", base_url=HTTPS).status_code == 400
    assert get(browser, "/").status_code == 200
    answer = browser.post("/logout", base_url=HTTPS, data={"csrf": token(browser, "/")})
    assert answer.status_code == 303
    assert get(browser, "/").status_code == 302


def test_the_sign_in_token_is_of_no_use_afterwards(browser: FlaskClient) -> None:
    before = token(browser)
    sign_in(browser)
    assert browser.post("/logout", base_url=HTTPS, data={"csrf": before}).status_code == 400


def test_a_session_ends_when_its_key_is_changed(browser: FlaskClient) -> None:
    sign_in(browser)
    models.database.connect(reuse_if_open=True)
    models.User.update(session_key="another").execute()
    models.database.close()
    assert get(browser, "/").status_code == 302


def test_a_stolen_cookie_is_of_no_use_in_another_browser(browser: FlaskClient) -> None:
    sign_in(browser)
    assert get(browser, "/", environ_overrides={"HTTP_USER_AGENT": "Another"}).status_code == 302


def test_an_endless_form_is_refused(browser: FlaskClient) -> None:
    data = {"csrf": token(browser), "name": "root", "password": "x" * 100_000}
    assert browser.post("/login", base_url=HTTPS, data=data).status_code == 413


def test_the_first_page_shows_provider_last_run_counts_and_problems(browser: FlaskClient) -> None:
    sign_in(browser)
    models.database.connect(reuse_if_open=True)
    moment = now()
    models.Provider.create(name="letsencrypt", plugin="letsencrypt", account_url="https://ca.example/acct/1",
                           current=True, added_at=moment)
    models.Account.create(name="alice", source="apache", found_at=moment)
    models.Run.create(start="2026-11-24T10:00:00.000Z", provider="letsencrypt", scope="*", started_at=moment,
                      result="failed", totals=json.dumps({"websites": 7, "failed": 1, "kept": 0}))
    models.Problem.create(website="a.example.com", name="www.a.example.com", code="dns_nxdomain",
                          text="no such <b>name</b>", since=moment, seen_at=moment)
    models.database.close()
    page = get(browser, "/").text
    for shown in ("letsencrypt", "https://ca.example/acct/1", "2026-11-24 10:00 UTC", "7 websites, 1 failed",
                  "<strong>1</strong> <span>Accounts</span>", "www.a.example.com"):
        assert shown in page
    assert "no such &lt;b&gt;name&lt;/b&gt;" in page


def test_the_wsgi_entry_serves_the_same_panel(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib
    import sys

    monkeypatch.setenv("AUTOSSL_INSTANCE", str(line.instance))
    sys.modules.pop("wsgi", None)
    application = importlib.import_module("wsgi").application
    assert application.test_client().get("/healthz", base_url=HTTPS).json == {"status": "ok"}
