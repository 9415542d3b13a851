"""Who waits for a page is known to the work beside it, for as long as the page is made and no longer."""

from __future__ import annotations

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


def test_somebody_waits_while_a_page_is_made(app: Flask, seen: list[bool]) -> None:
    Browser(app).get("/login")
    assert seen == [True]
    assert not visitors.anybody()


def test_nobody_waits_any_more_for_a_page_that_failed(app: Flask, seen: list[bool]) -> None:
    app.before_request(lambda: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert Browser(app).get("/login").status_code == 500
    assert seen == [True]
    assert not visitors.anybody()


def test_a_form_that_comes_as_slowly_as_its_sender_likes_holds_nothing_up(app: Flask, seen: list[bool]) -> None:
    Browser(app).sign_in()  # asks for the form, and sends it
    assert seen == [True, False]
