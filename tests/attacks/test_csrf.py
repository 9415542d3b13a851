"""Another website lets a browser that is signed in send each form of the panel: nothing happens."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

import models
from jobs.wiring.instance import now
from tests.panel.browser import HTTPS, Browser
from tests.panel.test_roles import ALL, Route

FORMS = [route for route in ALL if route.method == "POST" and not route.endpoint.startswith("api.")]
HTMX = {"HX-Request": "true"}
EVIL = {"Origin": "https://evil.example", "Referer": "https://evil.example/"}
NOT_STATE = ("auditentry", "session", "attempt")
"""What an attempt may leave."""


def state() -> dict[str, Any]:
    """Every row of every other table."""
    models.database.connect(reuse_if_open=True)
    tables = [name for name in models.database.get_tables() if name.replace("_", "") not in NOT_STATE]
    return {name: models.database.execute_sql(f'SELECT * FROM "{name}"').fetchall() for name in tables}


@pytest.mark.parametrize("route", FORMS, ids=lambda route: route.rule)
def test_a_form_of_another_website_does_nothing(app: Flask, browser: Browser, other: Browser, route: Route) -> None:
    models.Account.create(name="alice", source="apache", found_at=now())
    browser.sign_in()
    stranger = other.token("/login")
    before = state()
    path = route.path("alice")
    for data in ({}, {"csrf_token": ""}, {"csrf_token": stranger}):
        for headers in (EVIL, {**EVIL, **HTMX}, {**HTMX, "X-CSRFToken": stranger}):
            answer = browser.client.post(path, base_url=HTTPS, data=data, headers=headers)
            assert answer.status_code == 400, (data, headers)
    for query in (f"?csrf_token={stranger}", f"?csrf_token={browser.token('/security')}"):
        assert browser.client.post(path + query, base_url=HTTPS, headers=EVIL).status_code == 400
    for kind in ("text/plain", "application/json"):
        body = f'{{"csrf_token":"{browser.token("/security")}"}}'
        answer = browser.client.post(path, base_url=HTTPS, data=body, content_type=kind, headers=EVIL)
        assert answer.status_code == 400
    assert state() == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_what_a_form_does_is_done_by_no_other_method(app: Flask, browser: Browser, method: str) -> None:
    browser.sign_in()
    browser.get("/options")  # the first look chooses when the nightly check is
    before = state()
    for route in FORMS:
        override = {"X-HTTP-Method-Override": "POST", "X-CSRFToken": browser.token("/security")}
        path = route.path("alice") + "?_method=POST"
        answer = browser.client.open(path, method=method, base_url=HTTPS, headers=override)
        assert answer.status_code < 500, (route.rule, answer.status_code)
    assert state() == before


def test_no_other_origin_is_let_read_anything(browser: Browser) -> None:
    browser.sign_in()
    for path in ("/", "/security", "/json-api/get_autossl_metadata?api.version=1", "/api/openapi.json", "/login"):
        for origin in ("https://evil.example", "null"):
            answer = browser.get(path, headers={"Origin": origin})
            assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
