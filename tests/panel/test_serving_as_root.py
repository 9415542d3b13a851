"""One process that does everything as root: only where somebody says so, and then every page says it."""

from __future__ import annotations

import json
import os

import pytest
from flask import Flask

import models
from panel.header import read
from tests.panel.command_line import Line

NOBODY = 65534


def titles(app: Flask) -> list[str]:
    with app.test_request_context():
        models.database.connect(reuse_if_open=True)
        return [banner.title for banner in read(app.extensions["autossl"]).banners]


def test_the_panel_is_not_served_as_root_by_mistake(line: Line) -> None:
    answer = line.run("serve", "--json")
    assert answer.code == 2
    assert json.loads(answer.out)["error"]["code"] == "serve_as_root"
    assert "add --single" in answer.err


def test_every_page_says_that_everything_runs_as_root(app: Flask) -> None:
    app.extensions["background"] = object()
    assert titles(app) == ["Everything runs as root in one process"]


def test_a_server_without_root_says_nothing_of_it(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.extensions["background"] = object()
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    assert titles(app) == []


def test_a_server_of_which_this_is_only_the_face_says_nothing_of_it(app: Flask) -> None:
    assert titles(app) == []
