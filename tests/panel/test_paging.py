"""Addresses of lists: whatever they say gets an answer, and only the rows of one page are read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

import models
from jobs.wiring.instance import now
from panel.paging import Ask, Page, asked, listed, paginate
from tests.panel.queries import plan, recorded

COLUMNS = {"name": models.Account.name, "expires": (models.Account.expires_at, models.Account.name)}
FILTERS = {"state": ("all", "active", "suspended")}


@pytest.fixture
def rows(app: Flask) -> Iterator[Flask]:
    models.database.connect(reuse_if_open=True)
    models.Account.insert_many(
        [{"name": f"user{number:03}", "source": "manual", "found_at": now()} for number in range(130)]
    ).execute()
    yield app


def ask(app: Flask, query: str) -> Ask:
    with app.test_request_context(f"/users?{query}"):
        return asked(COLUMNS, "name", FILTERS)


def page(app: Flask, query: str) -> Page:
    with app.test_request_context(f"/users?{query}"):
        chosen = asked(COLUMNS, "name", FILTERS)
        accounts = models.Account.select()
        if chosen.q:
            accounts = accounts.where(models.Account.name.contains(chosen.q))
        return paginate(chosen, accounts, COLUMNS, "name")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Ask(1, 25, "name", "", {"state": "all"})),
        ("page=3&size=100&sort=-expires&q=ab&state=active", Ask(3, 100, "-expires", "ab", {"state": "active"})),
        ("page=0&size=26", Ask(1, 25, "name", "", {"state": "all"})),
        ("page=-5&size=1000000&sort=password", Ask(1, 100, "name", "", {"state": "all"})),
        ("page=1e9&size=abc&sort=--name&state=x", Ask(1, 25, "name", "", {"state": "all"})),
        ("page=99999999999999999999", Ask(1, 25, "name", "", {"state": "all"})),
        ("page=%D9%A3&size=%C2%B2", Ask(1, 25, "name", "", {"state": "all"})),
        ("q=%20%00a%1b[2J%0Ab%20", Ask(1, 25, "name", "a[2Jb", {"state": "all"})),
        ("sort=-&sort=name", Ask(1, 25, "name", "", {"state": "all"})),
    ],
)
def test_an_address_is_read_strictly_and_never_refused(app: Flask, query: str, expected: Ask) -> None:
    assert ask(app, query) == expected


def test_an_endless_search_is_cut(app: Flask) -> None:
    assert len(ask(app, f"q={'x' * 5000}").q) == 100


def test_a_page_has_its_rows_and_knows_its_place(rows: Flask) -> None:
    second = page(rows, "page=2&size=50&sort=-name")
    assert [row.name for row in second.rows][:2] == ["user079", "user078"]
    assert (second.first, second.last, second.total, second.number, second.pages) == (51, 100, 130, 2, 3)


def test_a_page_beyond_the_end_is_the_last_one(rows: Flask) -> None:
    last = page(rows, "page=77&size=100")
    assert (last.number, len(last.rows), last.first, last.last) == (2, 30, 101, 130)


def test_a_list_without_rows_is_one_empty_page(rows: Flask) -> None:
    none = page(rows, "q=nobody&page=4")
    assert (none.number, none.pages, none.total, none.first, none.last, list(none.rows)) == (1, 1, 0, 0, 0, [])


@pytest.mark.parametrize("text", ["%", "_", "user%", "\\"])
def test_a_search_takes_its_characters_as_they_are(rows: Flask, text: str) -> None:
    with rows.test_request_context("/users", query_string={"q": text}):
        chosen = asked(COLUMNS, "name")
        found = paginate(chosen, models.Account.select().where(models.Account.name.contains(chosen.q)), COLUMNS, "name")
    assert found.total == 0


def test_addresses_carry_the_state_and_leave_out_what_is_usual(rows: Flask) -> None:
    shown = page(rows, "q=user&sort=-expires&size=50&page=2&state=active")
    assert shown.url(page=3) == "/users?q=user&state=active&sort=-expires&size=50&page=3"
    assert shown.url(size=25) == "/users?q=user&state=active&sort=-expires"
    assert page(rows, "").url(page=1, state="") == "/users"
    assert shown.state == [("state", "active"), ("sort", "-expires"), ("size", "50")]


def test_a_second_look_at_a_column_turns_its_order(rows: Flask) -> None:
    shown = page(rows, "sort=expires")
    assert (shown.sorted("expires"), shown.sorted("name")) == ("ascending", "")
    assert shown.sort_url("expires") == "/users?state=all&sort=-expires"
    assert page(rows, "sort=-expires").sort_url("expires") == "/users?state=all&sort=expires"
    assert shown.sort_url("name") == "/users?state=all"


def test_a_page_costs_two_queries_and_sorts_by_an_index(rows: Flask) -> None:
    with recorded() as said:
        page(rows, "page=2")
    assert len(said) == 2
    assert not [step for step in plan(*said[1]) if "TEMP B-TREE" in step]


@pytest.mark.parametrize(("query", "first", "number"), [("", 0, 1), ("page=2", 25, 2), ("page=99&size=50", 100, 3)])
def test_rows_that_are_at_hand_have_pages_as_well(app: Flask, query: str, first: int, number: int) -> None:
    made = listed(ask(app, query), range(130), "/names", "name")
    assert (made.rows[0], made.number, made.total, made.path) == (first, number, 130, "/names")
    assert listed(ask(app, query), [], "/names", "name").pages == 1


def test_a_form_in_a_list_keeps_its_state_and_its_page(app: Flask) -> None:
    made = listed(ask(app, "page=2&q=shop&state=active"), range(130), "/names", "name")
    assert made.query == "?q=shop&state=active&page=2"
    with app.test_request_context("/names"):
        assert listed(asked(COLUMNS, "name"), range(130), "/names", "name").query == ""
