"""The first page and health; and what every answer carries."""

from __future__ import annotations

import re

import pytest

import models
from panel.headers import HEADERS
from tests.panel.browser import HTTPS, Browser
from tests.panel.command_line import Line


def test_health_needs_no_sign_in_and_says_nothing_of_the_host(browser: Browser) -> None:
    for path in ("/healthz", "/readyz"):
        answer = browser.get(path)
        assert (answer.status_code, answer.json) == (200, {"status": "ok"})
        assert "Set-Cookie" not in answer.headers


def test_readiness_fails_when_the_database_does(browser: Browser) -> None:
    models.database.connect(reuse_if_open=True)
    models.database.execute_sql("ALTER TABLE setting RENAME TO hidden")
    models.database.close()
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "failing", "reason": "database"})
    assert browser.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/login", "/healthz", "/nowhere", "/static/autossl.css"])
def test_every_answer_carries_the_security_headers(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/login", "/"])
def test_a_page_needs_no_inline_script_or_style(browser: Browser, path: str) -> None:
    browser.sign_in() if path == "/" else None
    page = browser.get(path).text
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", page)
    assert "http://" not in page and 'src="//' not in page


def test_the_first_page_asks_for_a_sign_in(browser: Browser) -> None:
    answer = browser.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert browser.get("/login").status_code == 200


def test_an_endless_form_is_refused(browser: Browser) -> None:
    assert browser.sign_in(password="x" * 100_000).status_code == 413


def test_the_wsgi_entry_serves_the_same_panel(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib
    import sys

    monkeypatch.setenv("AUTOSSL_INSTANCE", str(line.instance))
    sys.modules.pop("wsgi", None)
    application = importlib.import_module("wsgi").application
    assert application.test_client().get("/healthz", base_url=HTTPS).json == {"status": "ok"}
