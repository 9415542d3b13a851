"""Manage Users: the list of accounts, searched, sorted, filtered, in pages."""

from __future__ import annotations

import re

import pytest
from flask import Flask

import models
from jobs.policy.access import Role
from jobs.policy.features import FeatureList
from jobs.wiring import features, options
from jobs.wiring.instance import now
from panel.users.listing import COLUMNS, ONLY
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.queries import plan, recorded

PART = {"HX-Request": "true"}


def shown(text: str) -> list[str]:
    """The accounts of a page, in its order."""
    return re.findall(r'name="account" value="([^"]+)"', text)


def cell(text: str, account: str) -> str:
    """What a row says, without its tags."""
    row = text.partition(f'value="{account}" id="pick-')[2].partition("</tr>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", row).split())


@pytest.fixture
def root(browser: Browser) -> Browser:
    browser.sign_in()
    return browser


def test_each_account_has_its_state_default_coverage_expiry_and_problems(root: Browser) -> None:
    seed.accounts(12)
    features.keep_feature_list(FeatureList("parked", autossl=False))
    features.keep_package("parked", "parked")
    models.Account.update(package="parked").where(models.Account.name.in_(["user00003", "user00009"])).execute()
    text = root.get("/users").text
    assert len(shown(text)) == 12
    assert "Enabled (feature list default)" in cell(text, "user00001")
    assert "2 of 3 names covered" in cell(text, "user00001")
    assert "Disabled (feature list default)" in cell(text, "user00003")
    assert "0 of 3" in cell(text, "user00003") and "2 problems of user00003" in cell(text, "user00003")
    assert "not checked yet" in cell(text, "user00004")
    assert "Disabled (override; default: disabled)" in cell(text, "user00009")
    assert "Enabled (override; default: enabled)" in cell(text, "user00000")
    assert "3 days" in cell(text, "user00002")
    assert "Suspended" in cell(text, "user00006")
    assert 'href="/status/user00001"' in text and 'href="/logs?account=user00001"' in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=user00003", ["user00003"]),
        ("?q=USER00003", ["user00003"]),
        ("?q=user00007%40example", ["user00007"]),
        ("?q=www.shop4.example", ["user00004"]),
        ("?q=shop1", ["user00001", "user00010", "user00011"]),
        ("?only=suspended", ["user00006"]),
        ("?only=problems&sort=-account", ["user00011", "user00008", "user00006", "user00003", "user00001"]),
        ("?only=unchecked", ["user00004", "user00009"]),
        ("?only=disabled", ["user00009"]),
        ("?sort=-problems&q=shop", ["user00008", "user00003"]),
        ("?sort=coverage&only=uncovered", ["user00008", "user00003"]),
        ("?sort=%00&page=-4&size=9999&only=nothing&package=nothing", ["user00000"]),
        ("?q=" + "x" * 5000, []),
        ("?q=%25", []),
        ("?q=_ser", []),
    ],
)
def test_a_search_a_filter_and_a_sort_find_what_they_say(root: Browser, query: str, found: list[str]) -> None:
    seed.accounts(12)
    names = shown(root.get(f"/users{query}").text)
    if "sort=-problems" in query or "sort=coverage" in query:
        assert set(names[:2]) == set(found)
    elif "%00" in query:
        assert names[0] == found[0] and len(names) == 12
    else:
        assert names == found


def test_a_name_in_unicode_finds_its_a_label(root: Browser) -> None:
    models.Account.create(name="alice", source="apache", found_at=now())
    models.Website.create(account="alice", main="xn--bcher-kva.example", names='["xn--bcher-kva.example"]',
                          source="apache", found_at=now())
    assert shown(root.get("/users?q=b%C3%BCcher.example").text) == ["alice"]


def test_htmx_gets_the_list_only_and_says_so_to_caches(root: Browser) -> None:
    seed.accounts(3)
    page, part = root.get("/users?q=shop1"), root.get("/users?q=shop1", headers=PART)
    assert "<html" in page.text and "<html" not in part.text
    assert part.text.lstrip().startswith('<div id="users">')
    assert shown(page.text) == shown(part.text) == ["user00001"]
    assert "HX-Request" in part.headers["Vary"]


def test_an_empty_list_says_what_to_do(root: Browser) -> None:
    text = root.get("/users").text
    assert "There are no accounts yet" in text and 'href="/users/discover"' in text and 'href="/users/add"' in text
    seed.accounts(1)
    assert "No account is like that" in root.get("/users?q=zzz").text


def test_a_reseller_sees_their_own_accounts_and_nothing_of_the_host(root: Browser, app: Flask, other: Browser) -> None:
    seed.accounts(9)
    seed.unassigned(1)
    add("rita", Role.RESELLER)
    other.sign_in("rita")
    assert other.get("/users").status_code == 403, "resellers are not allowed anything yet"
    options.save(app.extensions["autossl"].config, {"resellers": True})
    text = other.get("/users").text
    assert shown(text) == ["user00000", "user00004", "user00008"]
    assert shown(other.get("/users?q=shop1").text) == []
    assert "/users/add" not in text and "/packages" not in text and "/people" not in text
    assert other.get("/account/user00001").status_code == 404
    for path in ("/users/add", "/users/discover", "/users/unassigned", "/packages", "/feature-lists", "/people"):
        assert other.get(path).status_code == 403, path


def test_a_user_has_no_such_tab(browser: Browser) -> None:
    seed.accounts(1)
    add("ann", Role.USER, "user00000")
    browser.sign_in("ann")
    assert browser.get("/users").status_code == 403
    assert 'href="/users"' not in browser.get("/security").text


def test_the_number_of_queries_does_not_depend_on_the_number_of_accounts(root: Browser) -> None:
    counts = []
    for number, first in ((5, 0), (20, 5)):
        seed.accounts(number, first=first)
        root.get("/users")
        with recorded() as said:
            root.get("/users?sort=-coverage", headers=PART)
        counts.append(len(said))
    assert counts[0] == counts[1] <= 14


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("way", ["", "-"])
def test_every_order_is_an_index(root: Browser, column: str, way: str) -> None:
    seed.accounts(5)
    root.get("/users")
    with recorded() as said:
        root.get(f"/users?sort={way}{column}", headers=PART)
    (listed,) = [(sql, values) for sql, values in said if 'FROM "account"' in sql and "ORDER BY" in sql]
    steps = plan(*listed)
    assert len(steps) == 1 and "USING INDEX account_gone_at_" in steps[0] and "SCAN" not in steps[0]


def test_every_filter_has_a_title(root: Browser) -> None:
    text = root.get("/users").text
    assert all(f'<option value="{value}"' in text and title in text for value, (title, _) in ONLY.items())
