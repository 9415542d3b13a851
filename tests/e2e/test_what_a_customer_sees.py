"""A customer's own pages on a real server: a preview, a check that is watched, what is served now."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable

import pytest
from flask import Flask

import models
from jobs.demo.product import INSTANCE, Product
from jobs.policy.access import Role
from jobs.wiring import people
from panel import create_app
from tests.panel.browser import PASSWORD, Browser

pytestmark = pytest.mark.e2e(timeout=240)

PATIENCE = 60.0
HTMX = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def app(product: Product) -> Flask:
    """The panel as a WSGI server has it: the checks that it asks for are performed by `autossl serve` beside it."""
    made = create_app(INSTANCE)
    models.database.connect(reuse_if_open=True)
    people.create("carol-herself", PASSWORD, Role.USER, "carol")
    models.database.close()
    return made


@pytest.fixture
def carol(app: Flask) -> Browser:
    browser = Browser(app)
    browser.sign_in("carol-herself")
    return browser


def until(carol: Browser, path: str, holds: Callable[[str], bool]) -> str:
    """Look at a page as htmx does until it says so."""
    deadline = time.monotonic() + PATIENCE
    while True:
        text = carol.get(path, headers=HTMX).text
        if holds(text):
            return text
        assert time.monotonic() < deadline, text
        time.sleep(0.2)


def row(text: str, service: str, port: int) -> str:
    """The line of the table that is about this port."""
    found = [
        line for line in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if service in line and f'Port">{port} ' in line
    ]
    assert len(found) == 1, text
    return found[0]


def test_a_preview_says_what_would_be_ordered_and_why_names_are_left_off(carol: Browser) -> None:
    assert carol.post("/status/carol/preview", "/status/carol/preview").status_code == 303
    text = until(carol, "/status/carol/preview", lambda text: "What a check would do" in text)
    assert re.search("mark (busy|good)\">(Order|Keep)<", text) and "webdisk.carol.test" in text
    left_off = text.partition("Left off")[2]
    assert "shop.carol.test" in left_off and "The name does not exist in DNS" in left_off
    assert "alice.test" not in text and "bob.test" not in text


def test_a_check_is_watched_to_its_end_and_the_names_are_secured(carol: Browser) -> None:
    assert carol.post("/status/carol/check", "/status/carol").status_code == 303
    text = until(carol, "/status/carol/check", lambda text: "Run AutoSSL" in text)
    assert "Last check" in text
    page = carol.get("/status/carol?show=secured").text
    assert "www.carol.test" in page and "Secured" in page
    problems = carol.get("/status/carol?show=problems").text
    assert "shop.carol.test" in problems and "Add an A or AAAA record" in problems


def test_what_is_served_now_is_what_is_installed_on_each_service_and_port(carol: Browser) -> None:
    path = "/status/carol/websites/carol.test"
    assert carol.post(f"{path}/look", path).status_code == 303
    text = until(carol, path, lambda text: "Look again" in text)
    for service, port in (("Apache", 443), ("Dovecot", 993), ("Exim", 465), ("Web Disk", 2078)):
        assert "the same" in row(text, service, port)
    assert "STARTTLS, IMAP" in row(text, "Dovecot", 143)


def test_a_service_that_is_down_is_seen_at_the_next_look_and_not_before(carol: Browser) -> None:
    subprocess.run(["doveadm", "stop"], check=True)
    path = "/status/carol/websites/carol.test"
    assert "the same" in row(carol.get(path).text, "Dovecot", 993)
    carol.post(f"{path}/look", path)
    text = until(carol, path, lambda text: "Look again" in text)
    assert "Dovecot" not in text or "the same" not in text.partition("Dovecot")[2].partition("</tr>")[0]
    assert "the same" in row(text, "Apache", 443)
