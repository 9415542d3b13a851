"""One view for browser and htmx: the template, the status and the headers by which htmx knows what to do."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask, request
from jinja2 import ChoiceLoader, DictLoader

import models
from jobs.policy.access import Right, Role
from jobs.policy.failure import Failure
from jobs.wiring.instance import now
from panel import hx
from panel.access import needs, public
from panel.audit import audited
from tests.panel.browser import HTTPS, Browser, add

HTMX = {"HX-Request": "true"}
TEMPLATES = {
    "page.html": "{% extends 'base.html' %}{% block main %}<h1>Page {{ page }}</h1>{% endblock %}",
    "_part.html": "<p id='part'>Part {{ page }}</p>",
    "_more.html": "<p id='more' hx-swap-oob='true'>More</p>",
}


@pytest.fixture
def app(app: Flask) -> Flask:
    app.jinja_env.loader = ChoiceLoader([DictLoader(TEMPLATES), app.jinja_env.loader])  # type: ignore[list-item]

    @app.get("/view")
    @public
    def view():
        hx.say("<done>", "good")
        return hx.page_or_partial("page.html", "_part.html", page=7), int(request.args.get("status", 200))

    @app.get("/several")
    @public
    def several():
        return hx.page_or_partial("page.html", ["_part.html", "_more.html"])

    @app.get("/poll")
    @public
    def poll():
        return {"unchanged": hx.unchanged, "over": hx.stop_polling, "last": lambda: hx.stop_polling("last")}[
            request.args["how"]
        ]()

    @app.get("/go")
    @public
    def go():
        hx.say("saved", "good")
        return hx.redirect("/view")

    @app.post("/act")
    @needs(Right.HOST)
    @audited("test.act")
    def act():
        raise Failure("provider_disabled", "AutoSSL is disabled: no provider is in use.")

    @app.post("/inside")
    @needs(Right.SELF)
    @audited("test.inside")
    def inside():
        raise Failure("config_invalid", "/etc/inside/config.toml: line 3: expected a table")

    @app.get("/broken")
    @public
    def broken():
        raise ZeroDivisionError

    return app


def test_a_browser_gets_the_page(browser: Browser) -> None:
    answer = browser.get("/view")
    assert "<h1>Page 7</h1>" in answer.text and answer.text.startswith("<!doctype html>")
    assert "HX-Request" in answer.vary


def test_htmx_gets_the_partial_of_the_same_view_and_what_was_said(browser: Browser) -> None:
    answer = browser.get("/view", headers=HTMX)
    assert answer.text.startswith("<p id='part'>Part 7</p>")
    assert '<div hx-swap-oob="innerHTML:#status">' in answer.text
    assert "&lt;done&gt;" in answer.text
    assert "HX-Request" in answer.vary


def test_several_partials_come_in_one_answer(browser: Browser) -> None:
    answer = browser.get("/several", headers=HTMX)
    assert answer.text == "<p id='part'>Part </p><p id='more' hx-swap-oob='true'>More</p>"


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_htmx_gets_the_page_where_it_wants_one(browser: Browser, header: str) -> None:
    assert "<!doctype html>" in browser.get("/view", headers={**HTMX, header: "true"}).text


def test_an_error_in_a_form_keeps_its_status(browser: Browser) -> None:
    assert browser.get("/view?status=422", headers=HTMX).status_code == 422
    assert browser.get("/view?status=422").status_code == 422


def test_a_poll_ends_by_286_and_changes_nothing_by_204(browser: Browser) -> None:
    assert browser.get("/poll?how=unchanged").status_code == 204
    over = browser.get("/poll?how=over")
    assert (over.status_code, over.headers["HX-Reswap"]) == (286, "none")
    last = browser.get("/poll?how=last")
    assert (last.status_code, last.text) == (286, "last")
    assert "HX-Reswap" not in last.headers


def test_a_redirect_is_a_303_or_a_header_and_carries_the_message_over(browser: Browser) -> None:
    answer = browser.get("/go")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/view")
    assert "saved" in browser.get("/view").text
    assert "saved" not in browser.get("/view").text
    answer = browser.get("/go", headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/view")
    assert "Location" not in answer.headers
    assert "saved" not in browser.get("/view", headers=HTMX).text, "a poll took away what is meant for the next page"
    assert "saved" in browser.get("/view").text


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("/logs?page=2", "/logs?page=2"),
        ("https://panel.example.com/logs", "/logs"),
        ("https://elsewhere.example/logs", ""),
        ("//elsewhere.example/logs", ""),
        ("https:///elsewhere.example", "/elsewhere.example"),
        ("///elsewhere.example", "/elsewhere.example"),
        ("////elsewhere.example", ""),
        ("/\\elsewhere.example", ""),
        ("/\t/elsewhere.example", ""),
        ("javascript:alert(1)", ""),
        ("logs", ""),
        ("", ""),
        ("http://[", ""),
    ],
)
def test_only_addresses_of_this_panel_are_gone_back_to(app: Flask, sent: str, path: str) -> None:
    with app.test_request_context("/", base_url=HTTPS):
        assert hx.local_path(sent) == path


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/logout", 405), ("/nowhere/../at/all", 404)])
def test_an_error_is_a_page_for_a_browser_and_a_sentence_for_htmx(browser: Browser, path: str, status: int) -> None:
    browser.sign_in()
    page = browser.get(path)
    assert page.status_code == status and "<h1>" in page.text
    answer = browser.get(path, headers=HTMX)
    assert answer.status_code == status
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == (hx.STATUS, "innerHTML")
    assert answer.text.count("<p ") == 1 and "<h1>" not in answer.text


def test_what_nobody_foresaw_is_a_page_without_a_trace_of_the_program(app: Flask, browser: Browser) -> None:
    for headers in ({}, HTMX):
        answer = browser.get("/broken", headers=headers)
        assert answer.status_code == 500
        assert "Something failed" in answer.text
        assert "ZeroDivision" not in answer.text and "Traceback" not in answer.text


def test_a_failure_that_no_view_had_a_place_for_is_told_with_its_remedy(browser: Browser) -> None:
    browser.sign_in()
    answer = browser.post("/act")
    assert answer.status_code == 409
    assert "no provider is in use" in answer.text and "autossl provider use" in answer.text
    data = {"csrf_token": browser.token("/security")}
    answer = browser.client.post("/act", base_url=HTTPS, data=data, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (409, hx.STATUS)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_of_such_a_failure_a_user_is_told_nothing_of_the_hosts_inside(
    app: Flask, browser: Browser, headers: dict[str, str]
) -> None:
    models.Account.create(name="alice", source="apache", found_at=now())
    add("ann", Role.USER, "alice")
    browser.sign_in("ann")
    data = {"csrf_token": browser.token("/security")}
    answer = browser.client.post("/inside", base_url=HTTPS, data=data, headers=headers)
    assert answer.status_code == 409
    assert "those who run this server" in answer.text and "/etc/inside" not in answer.text


@pytest.mark.parametrize("sent", [None, "", "forged"])
def test_a_form_without_its_token_is_refused_in_both_ways(browser: Browser, sent: str | None) -> None:
    browser.sign_in()
    data = {} if sent is None else {"csrf_token": sent}
    assert browser.client.post("/act", base_url=HTTPS, data=data).status_code == 400
    answer = browser.client.post("/act", base_url=HTTPS, data=data, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (400, hx.STATUS)


def test_a_form_whose_session_has_ended_leads_to_the_sign_in_and_back(browser: Browser) -> None:
    browser.sign_in()
    data = {"csrf_token": browser.token("/security")}
    models.database.connect(reuse_if_open=True)
    models.Session.delete().execute()
    models.database.close()
    here = f"{HTTPS}/security?x=1"
    answer = browser.client.post("/act", base_url=HTTPS, data=data, headers={**HTMX, "HX-Current-URL": here})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/login?next=/security?x%3D1"
    answer = browser.client.post("/act", base_url=HTTPS, data=data, headers={"Referer": here})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/security?x%3D1")


def test_a_poll_whose_session_has_ended_leads_to_the_sign_in(browser: Browser) -> None:
    answer = browser.get("/running", headers={**HTMX, "HX-Current-URL": f"{HTTPS}/security"})
    assert answer.headers["HX-Redirect"] == "/login?next=/security"


def test_htmx_is_told_to_evaluate_nothing_and_to_swap_errors_into_the_live_region(browser: Browser) -> None:
    page = browser.get("/login").text
    found = re.search(r'<meta name="htmx-config" content="([^"]+)">', page)
    assert found
    config = json.loads(found.group(1).replace("&#34;", '"'))
    assert config["allowEval"] is config["allowScriptTags"] is config["includeIndicatorStyles"] is False
    handled = {entry["code"]: entry for entry in config["responseHandling"]}
    assert handled["422"]["swap"] and "target" not in handled["422"]
    assert handled["[45].."]["target"] == hx.STATUS
    assert '<div id="status" role="status" aria-live="polite">' in page
