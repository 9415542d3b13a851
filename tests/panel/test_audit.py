"""The audit log: what is written by the panel and by the command line, and who may read it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

import models
from jobs.policy.access import Role
from jobs.wiring import audit
from jobs.wiring.instance import now
from tests.panel.browser import HTTPS, PASSWORD, Browser, add, with_totp
from tests.panel.command_line import Line


def entries(**where: str) -> list[tuple[str, str, str, str, str, str]]:
    row = models.AuditEntry
    query = row.select().order_by(row.id)
    for name, value in where.items():
        query = query.where(getattr(row, name) == value)
    return [(one.who, one.role, one.action, one.object, one.origin, one.result) for one in query]


def test_signing_in_and_out_is_told_with_who_and_from_where(browser: Browser) -> None:
    browser.sign_in(password="wrong")
    browser.sign_in()
    browser.post("/logout")
    assert entries(origin="192.0.2.1") == [
        ("root", "admin", "session.begin", "root", "192.0.2.1", "refused"),
        ("root", "admin", "session.begin", "root", "192.0.2.1", "done"),
        ("root", "admin", "session.end", "root", "192.0.2.1", "done"),
    ]


def test_both_steps_of_a_sign_in_are_told(browser: Browser) -> None:
    authenticator, _ = with_totp()
    browser.sign_in()
    browser.post("/login/code", "/login/code", code="000000")
    browser.post("/login/code", "/login/code", code=authenticator.now())
    results = [entry[-1] for entry in entries(action="session.begin")]
    assert results == ["password right, code asked for", "refused", "done"]


def test_what_was_typed_for_a_name_that_nobody_has_is_not_kept(browser: Browser) -> None:
    browser.sign_in("my secret password", "root")
    assert entries(origin="192.0.2.1") == []


def test_somebody_who_has_to_wait_does_not_fill_the_log(browser: Browser) -> None:
    for _ in range(20):
        browser.sign_in(password="wrong")
    assert len(entries(origin="192.0.2.1")) == 5


def test_a_refused_and_an_invalid_request_are_told_as_such(browser: Browser) -> None:
    add("rita", Role.RESELLER)
    browser.sign_in("rita")
    browser.post("/running")
    browser.post("/security/password", password=PASSWORD, new="short", again="short")
    browser.client.post("/security/password", base_url=HTTPS)
    found = [(entry[0], entry[2], entry[-1]) for entry in entries(who="rita")][1:]
    assert found == [
        ("rita", "check.all", "refused"), ("rita", "password.change", "invalid"), ("rita", "password.change", "refused")
    ]


def test_only_looking_is_not_told(browser: Browser) -> None:
    browser.sign_in()
    before = len(entries())
    for path in ("/", "/security", "/audit", "/security/totp"):
        browser.get(path)
    assert len(entries()) == before


def test_a_secret_never_comes_into_it(line: Line, browser: Browser) -> None:
    browser.sign_in()
    browser.post("/security/password", password=PASSWORD, new="another password", again="another password")
    browser.post("/security/tokens", label="a", scope="read", account="", days="9", password="another password")
    line.run("admin", "add", "second", "--password-file", "-", stdin="a third password\n")
    line.run("admin", "add", "third", "--json")
    text = str(entries())
    for secret in (PASSWORD, "another password", "a third password"):
        assert secret not in text
    assert all(row.hash not in text for row in models.Token.select())


def test_the_command_line_tells_what_it_changed_and_what_it_could_not(line: Line) -> None:
    line.run("user", "add", "rita", "--role", "reseller", "--password-file", "-", stdin=PASSWORD + "\n")
    line.run("user", "remove", "nobody")
    line.run("user", "list")
    line.run("admin", "list")
    found = [(role, action, about, origin, result) for _, role, action, about, origin, result in entries()]
    assert found == [
        ("system", "init", "--admin root --password-file -", "command line", "done"),
        ("system", "user add", "rita --role reseller --password-file -", "command line", "done"),
        ("system", "user remove", "nobody", "command line", "user_unknown"),
    ]
    assert entries()[0][0] == "root"


def test_behind_sudo_it_names_who_called(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "carol")
    line.run("admin", "end-sessions", "root")
    assert entries(action="admin end-sessions")[0][0] == "carol as root"


def test_twice_init_tells_nothing(line: Line) -> None:
    line.run("init", "--admin", "other")
    assert len(entries()) == 1


def test_entries_of_more_than_a_year_ago_are_removed(line: Line) -> None:
    line.run("admin", "list")
    models.AuditEntry.update(at=now() - timedelta(days=367)).execute()
    audit.record("root", "admin", "something", "", "192.0.2.1", "done")
    assert [entry[2] for entry in entries()] == ["something"]


def test_administrators_search_it(browser: Browser) -> None:
    browser.sign_in()
    for number in range(60):
        audit.record("root", "admin", "thing.done", f"object-{number}", "203.0.113.9", "done")
    page = browser.get("/audit?q=object-7")
    assert page.status_code == 200
    assert "object-7<" in page.text and "object-8<" not in page.text
    first, second = browser.get("/audit").text, browser.get("/audit?page=2").text
    assert "object-59<" in first and "object-30<" not in first and "object-30<" in second
    assert "Nothing like that was done" in browser.get("/audit?q=%25").text
    part = browser.get("/audit?q=object-7", headers={"HX-Request": "true"})
    assert "<html" not in part.text and "object-7<" in part.text


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=abc", "page=99999999", "sort=nothing", "size=7",
                                   "q=" + "x" * 5000, "q=%00", "sort=--at", "page=" + "9" * 400])
def test_an_address_out_of_range_gets_a_page(browser: Browser, query: str) -> None:
    browser.sign_in()
    assert browser.get(f"/audit?{query}").status_code == 200


def test_hostile_text_is_shown_as_text(line: Line, browser: Browser) -> None:
    browser.sign_in()
    audit.record("<script>alert(1)</script>", "admin", "x", "a\x1b[31mb\nc", "192.0.2.1", "done")
    page = browser.get("/audit").text
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    assert "a?[31mb?c" in page
    shown = line.run("audit", "list")
    assert "\x1b" not in shown.out


def test_the_command_line_lists_and_searches_it(line: Line) -> None:
    line.run("admin", "end-sessions", "root")
    found = json.loads(line.run("audit", "list", "--json").out)["entries"]
    assert [entry["action"] for entry in found] == ["admin end-sessions", "init"]
    assert set(found[0]) == {"at", "who", "role", "action", "object", "origin", "result"}
    assert len(json.loads(line.run("audit", "list", "--json", "--limit", "1").out)["entries"]) == 1
    assert "There is no such entry." in line.run("audit", "list", "--search", "nowhere").out
    assert "end-sessions" in line.run("audit", "list", "--search", "end-s").out
