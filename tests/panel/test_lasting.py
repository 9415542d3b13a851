"""A connection that is kept from one request to the next, and shows what a new one would."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from flask import Flask

import models
from jobs.wiring.instance import DATABASE
from panel import lasting
from tests.panel.browser import Browser

HTMX = {"HX-Request": "true"}


@pytest.fixture
def kept(app: Flask, browser: Browser) -> Browser:
    lasting.let_last(app.extensions["autossl"].database)
    browser.sign_in()
    assert browser.get("/audit").status_code == 200
    return browser


def connection() -> sqlite3.Connection:
    assert not models.database.is_closed()
    found: sqlite3.Connection = models.database.connection()
    return found


def written(path: Path, sql: str) -> None:
    """By another process, as far as SQLite is concerned."""
    other = sqlite3.connect(path)
    other.execute(sql)
    other.commit()
    other.close()


def test_one_thread_opens_the_database_once(kept: Browser) -> None:
    first = connection()
    for path in ("/audit", "/", "/queue", "/static/autossl.css"):
        kept.get(path)
    kept.get("/running", headers=HTMX)
    assert connection() is first


def test_without_a_server_of_ours_every_request_opens_its_own(browser: Browser) -> None:
    browser.sign_in()
    assert browser.get("/audit").status_code == 200
    assert models.database.is_closed()


def test_the_next_request_sees_what_another_process_wrote(app: Flask, kept: Browser) -> None:
    left: list[sqlite3.Cursor] = []

    def leave_a_statement_open() -> None:
        left.append(connection().execute("SELECT name FROM user UNION ALL SELECT 'more' UNION ALL SELECT 'and more'"))
        left[-1].fetchone()

    app.before_request_funcs[None].append(leave_a_statement_open)
    assert kept.get("/audit").status_code == 200
    path, first = app.extensions["autossl"].place.instance / DATABASE, connection()
    written(path, "UPDATE session SET user_id = NULL")
    assert kept.get("/audit").status_code == 303
    assert left and connection() is first


def test_a_database_that_took_the_place_of_the_former_is_the_one_that_is_asked(app: Flask, kept: Browser) -> None:
    first, path = connection(), app.extensions["autossl"].place.instance / DATABASE
    copy = path.with_name("copy")
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    written(copy, "UPDATE session SET user_id = NULL")
    for end in ("", "-wal", "-shm"):
        path.with_name(f"{DATABASE}{end}").rename(path.with_name(f"former{end}"))
    copy.rename(path)
    assert kept.get("/audit").status_code == 303
    assert connection() is not first


def test_after_a_request_that_failed_it_is_opened_anew(kept: Browser) -> None:
    assert kept.get("/nowhere").status_code == 404
    assert models.database.is_closed()
    assert kept.get("/audit").status_code == 200


def test_it_holds_little_of_the_database_in_memory(kept: Browser) -> None:
    assert connection().execute("PRAGMA cache_size").fetchone() == (-lasting.CACHE,)
