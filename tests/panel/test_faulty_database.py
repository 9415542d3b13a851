"""A database that is held, or that takes no more, is told on the page as what it is; what was there stays visible."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Flask
from werkzeug.test import TestResponse

import models
from jobs.policy.access import Role
from jobs.wiring.instance import now
from panel import create_app
from tests.panel.browser import HTTPS, Browser, add
from tests.panel.command_line import Line


@pytest.fixture
def impatient(line: Line, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr(models, "BUSY_TIMEOUT", 0.2)
    return create_app(line.instance)


@pytest.fixture
def held(impatient: Flask, line: Line) -> Iterator[sqlite3.Connection]:
    """Whoever calls `execute("BEGIN IMMEDIATE")` on it holds the database from then on."""
    with closing(sqlite3.connect(line.instance / "panel.sqlite3", isolation_level=None)) as other:
        yield other


def end_others(browser: Browser, held: sqlite3.Connection) -> TestResponse:
    """Something that is to be written while the database is held."""
    token = browser.token("/security")
    held.execute("BEGIN IMMEDIATE")
    return browser.client.post("/security/sessions/end-others", base_url=HTTPS, data={"csrf_token": token})


def test_what_can_not_be_written_now_is_told_and_pages_go_on_being_read(
    impatient: Flask, held: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    browser = Browser(impatient)
    browser.sign_in()
    answer = end_others(browser, held)
    assert answer.status_code == 503
    assert "The database is held by another process" in answer.text and "it is tried again" in answer.text
    assert browser.get("/queue").status_code == 200
    assert "not in the audit log" in caplog.text and "by root: failed" in caplog.text


def test_who_does_not_see_the_host_is_told_nothing_of_it(impatient: Flask, held: sqlite3.Connection) -> None:
    with models.database.connection_context():
        models.Account.create(name="alice", source="manifest", found_at=now())
        add("alice", Role.USER, "alice")
    browser = Browser(impatient)
    browser.sign_in("alice")
    answer = end_others(browser, held)
    assert answer.status_code == 503 and "sqlite" not in answer.text


def test_a_mistake_of_ours_is_no_fault_of_the_disk(impatient: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(impatient)
    browser.sign_in()
    token = browser.token("/security")

    def wrong(*_: object, **__: object) -> int:
        return int(models.database.execute_sql("SELEKT 1").fetchone()[0])

    monkeypatch.setattr("jobs.wiring.sessions.end_all", wrong)
    answer = browser.client.post("/security/sessions/end-others", base_url=HTTPS, data={"csrf_token": token})
    assert answer.status_code == 500
