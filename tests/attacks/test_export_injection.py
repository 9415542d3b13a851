"""What is downloaded or read by a program holds hostile words, and is opened in a spreadsheet, a browser, a parser."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask

import models
from jobs.ports import Place
from jobs.runlog import RunLog
from jobs.wiring.instance import now
from tests.panel import seed
from tests.panel.browser import Browser
from tests.panel.command_line import Line
from tests.panel.test_roles import ALL

FORMULAS = ['=HYPERLINK("https://evil.example","x")', "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=cmd|' /C calc'!A0",
            '","forged":"x', "</script><script>alert(1)</script>", "\u2028alert(1)", "]}'", '\\"', "{{7*7}}"]


@pytest.fixture
def start(line: Line, place: Place) -> str:
    """The start of a run whose log has all of them, in every field."""
    seed.accounts(1)
    log = RunLog(place.logs, now(), now, None)
    for formula in FORMULAS:
        log.say("warn", formula, account=formula, website=formula, name=formula, code="x")
    log.close()
    models.Run.create(start=log.start, scope="*", started_at=now(), finished_at=now(), result="done")
    models.database.close()
    return log.start


def test_every_line_of_a_downloaded_log_is_one_event_and_begins_by_its_time(browser: Browser, start: str) -> None:
    """So no cell of a spreadsheet begins with what makes a formula."""
    browser.sign_in()
    text = browser.get(f"/logs/{start}/log.txt").text
    lines = text.split("\n")[:-1]
    assert len(lines) == len(FORMULAS)
    assert all(re.match(r"\d{4}-\d\d-\d\dT[0-9:.]+Z WARN ", one) and one.isprintable() for one in lines)
    events = [json.loads(one) for one in browser.get(f"/logs/{start}/log.jsonl").text.split("\n")[:-1]]
    assert [one["text"] for one in events] == FORMULAS and all("forged" not in one for one in events)


def test_a_download_is_saved_under_a_name_of_ours(browser: Browser, start: str) -> None:
    browser.sign_in()
    for name in ("log.txt", "log.jsonl"):
        answer = browser.get(f"/logs/{start}/{name}")
        value = answer.headers["Content-Disposition"]
        assert re.fullmatch(r'attachment; filename="autossl-[0-9TZ.-]+\.(txt|jsonl)"', value)
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.mimetype != "text/html"
        assert answer.headers["Cache-Control"] == "no-store"


def test_nothing_is_exported_for_a_spreadsheet(app: Flask, browser: Browser, start: str) -> None:
    """A new export of that kind has to meet this test, and to quote its cells."""
    browser.sign_in()
    kinds = set()
    for route in ALL:
        if route.method == "GET" and not route.samples:
            for more in ("", "?format=csv", "?export=csv"):
                kinds.add(browser.get(f"{route.path('')}{more}").mimetype)
    assert kinds <= {"text/html", "application/json", "text/plain"}, kinds


def test_an_answer_of_the_api_is_an_object_that_no_script_tag_can_read(browser: Browser, start: str) -> None:
    browser.sign_in()
    answer = browser.get(f"/json-api/get_autossl_log?api.version=1&start_time={start}")
    assert answer.mimetype == "application/json" and answer.text.startswith("{")
    assert len(json.loads(answer.text)["data"]["payload"]) == len(FORMULAS)
    assert "\u2028" not in answer.text


def test_what_a_command_prints_as_json_is_json_and_on_its_own(line: Line, start: str) -> None:
    told = json.loads(line.run("log", "show", start, "--json").out)
    assert [one["text"] for one in told["events"]] == FORMULAS
    for text in line.run("log", "show", start, "--format", "json").out.split("\n")[:-1]:
        assert json.loads(text)["text"] in FORMULAS
