"""Who waits for a page is known to the work beside it, for as long as the page is made and no longer."""

from __future__ import annotations

from unittest import mock

import pytest
from flask import Flask

from jobs import visitors
from tests.panel.browser import Browser


@pytest.fixture
def seen(app: Flask) -> list[bool]:
    """Whether somebody was known to wait, in each request."""
    found: list[bool] = []
    app.before_request(lambda: found.append(visitors.anybody()))
    return found


@pytest.fixture
def signed_in(browser: Browser, seen: list[bool]) -> Browser:
    browser.sign_in()
    seen.clear()
    return browser


def test_somebody_waits_while_a_page_is_made(signed_in: Browser, seen: list[bool]) -> None:
    signed_in.get("/queue")
    assert seen == [True]
    assert not visitors.anybody()


def test_nobody_waits_any_more_for_a_page_that_failed(app: Flask, signed_in: Browser, seen: list[bool]) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with mock.patch("panel.queue.watched", side_effect=ZeroDivisionError):
        assert signed_in.get("/queue").status_code == 500
    assert seen == [True]
    assert not visitors.anybody()


def test_what_everybody_may_ask_holds_nothing_up(app: Flask, seen: list[bool]) -> None:
    for path in ("/login", "/healthz", "/nothing"):
        Browser(app).get(path)
    assert seen == [False] * 3


def test_a_form_that_comes_as_slowly_as_its_sender_likes_holds_nothing_up(signed_in: Browser, seen: list[bool]) -> None:
    signed_in.post("/logout", "/queue")
    assert seen[-1] is False
