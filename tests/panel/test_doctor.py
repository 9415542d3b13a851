"""The doctor as a page of the panel, and as a command."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import models
from jobs.policy.access import Role
from jobs.wiring import doctor
from jobs.wiring.questions import DOCTOR
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.command_line import Line

HTMX = {"HX-Request": "true"}


def answer(state: str = "wrong") -> dict[str, Any]:
    one = {"state": state, "subject": "port 80 at 192.0.2.1", "text": f"refused {seed.HOSTILE}",
           "expected": "a connection", "remedy": "Start the web server."}
    fine = {"state": "fine", "subject": "clock", "text": "this host and ca.test agree", "expected": "", "remedy": ""}
    return {
        "at": "2026-11-24T12:00:00Z", "state": state, "ok": state != "wrong",
        "checks": [
            {"check": "ports", "title": "Web ports", "state": state, "results": [one]},
            {"check": "clock", "title": "Clock", "state": "fine", "results": [fine]},
        ],
    }


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The examination waits until the test lets it go on."""
    go_on = threading.Event()

    def examine(_: Any, seconds: float = 0) -> dict[str, Any]:
        assert go_on.wait(10)
        return answer()

    monkeypatch.setattr(doctor, "examine", examine)
    yield go_on
    go_on.set()
    ended()


def ended() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith(DOCTOR):
            thread.join(10)
            assert not thread.is_alive()


def test_it_is_asked_for_answered_by_a_thread_and_shown_until_it_is_asked_again(
    browser: Browser, found: threading.Event
) -> None:
    browser.sign_in()
    assert "Look at this host" in browser.get("/doctor/").text
    assert browser.post("/doctor/", "/doctor/").headers["Location"] == "/doctor/"
    page = browser.get("/doctor/").text
    assert "Looking" in page and "every 2s" in page and "<noscript>" in page and "look-again" not in page
    assert browser.get("/doctor/?seen=running", headers=HTMX).status_code == 204
    found.set()
    ended()
    part = browser.get("/doctor/?seen=running", headers=HTMX)
    assert part.status_code == 286 and part.text.lstrip().startswith('<div id="doctor"')
    page = browser.get("/doctor/").text
    for shown in ("Something is wrong", "Web ports", "port 80 at 192.0.2.1", "Expected: a connection",
                  "Start the web server.", "this host and ca.test agree", "Look again"):
        assert shown in page
    assert "<script>alert" not in page and "\x1b" not in page and "\\x1b[31m" in page


def test_a_second_one_who_asks_joins_the_first(browser: Browser, found: threading.Event) -> None:
    browser.sign_in()
    browser.post("/doctor/", "/security")
    assert browser.post("/doctor/", "/security").status_code == 303
    assert models.QueueEntry.select().where(models.QueueEntry.kind == DOCTOR).count() == 1
    assert "This host is being looked at already." in browser.get("/doctor/").text


def test_it_is_only_for_who_runs_the_host(browser: Browser, other: Browser) -> None:
    seed.accounts(2)
    add("ann", Role.USER, seed.account_name(1))
    other.sign_in("ann")
    assert other.get("/doctor/").status_code == 403
    assert other.post("/doctor/").status_code == 403
    assert "/doctor/" not in other.get("/").text
    browser.sign_in()
    assert 'href="/doctor/"' in browser.get("/").text


@pytest.mark.parametrize(
    ("state", "code", "last"),
    [("wrong", 1, "1 thing wrong, 0 warnings."), ("warning", 0, "0 things wrong, 1 warning."),
     ("fine", 0, "All is fine.")],
)
def test_the_command_ends_with_1_if_something_is_wrong(
    line: Line, monkeypatch: pytest.MonkeyPatch, state: str, code: int, last: str
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda _: answer(state))
    told = line.run("doctor")
    assert told.code == code and told.out.rstrip().endswith(last)
    assert "Web ports" in told.out and "expected: a connection" in told.out and "\x1b" not in told.out
    as_json = line.run("doctor", "--json")
    assert (as_json.code, json.loads(as_json.out)) == (code, answer(state))
