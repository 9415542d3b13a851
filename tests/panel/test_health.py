"""What supervisors and load balancers are told: a word, and nothing of the host."""

from __future__ import annotations

import pytest
from flask import Flask

import models
from tests.panel.browser import Browser
from tests.panel.command_line import Line


class Worker:
    """Instead of the background: what of it is stuck."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason

    def stuck(self) -> str:
        return self.reason


@pytest.mark.parametrize("reason", ["worker", "post", "clock"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_process_that_does_not_do_its_work_fails_with_the_reason(
    app: Flask, browser: Browser, path: str, reason: str
) -> None:
    app.extensions["background"] = Worker(reason)
    answer = browser.get(path)
    assert (answer.status_code, answer.json) == (503, {"status": "failing", "reason": reason})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_one_that_does_its_work_is_well(app: Flask, browser: Browser, path: str) -> None:
    app.extensions["background"] = Worker()
    answer = browser.get(path)
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


@pytest.mark.parametrize("damage", ["hidden", "garbage"])
def test_without_its_database_it_is_alive_and_not_ready(browser: Browser, line: Line, damage: str) -> None:
    if damage == "hidden":
        models.database.connect(reuse_if_open=True)
        models.database.execute_sql("ALTER TABLE setting RENAME TO hidden")
        models.database.close()
    else:
        (line.instance / "panel.sqlite3").write_bytes(b"no database" * 1000)
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "failing", "reason": "database"})
    assert "sqlite" not in answer.text and str(line.instance) not in answer.text


def test_liveness_does_not_depend_on_the_database(browser: Browser, line: Line) -> None:
    """A disk that is full would else end the process that waits for room, again and again."""
    models.database.connect(reuse_if_open=True)
    models.database.execute_sql("ALTER TABLE setting RENAME TO hidden")
    models.database.close()
    assert browser.get("/healthz").status_code == 200
