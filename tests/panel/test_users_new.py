"""Manage Users: accounts that are added, what a discovery finds, and websites without an owner."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

import models
from jobs.policy.features import FeatureList
from jobs.wiring import features
from tests.panel import seed
from tests.panel.browser import Browser
from tests.panel.command_line import Line

PART = {"HX-Request": "true"}
FORM: dict[str, object] = {
    "name": "carol", "contact": "c@example.org", "package": "default",
    "names": ["carol.test www.carol.test", "shop.carol.test\nold.carol.test", ""],
    "docroot": ["/srv/carol", "", ""],
}


@pytest.fixture
def root(line: Line, browser: Browser) -> Browser:
    nowhere = "binary = '/nowhere'\n"
    (line.instance / "config.toml").write_text(f"[accounts.apache]\n{nowhere}[accounts.nginx]\n{nowhere}")
    browser.sign_in()
    return browser


@pytest.fixture
def sites(line: Line) -> Path:
    return line.instance / "sites.d"


def queued() -> list[str]:
    return [row.payload for row in models.QueueEntry.select()]


def send(browser: Browser, path: str, **data: object):
    return browser.post(path, **data)  # type: ignore[arg-type]


class TestAdd:
    def test_an_account_with_its_websites_is_added_and_checked_by_itself(self, root: Browser, sites: Path) -> None:
        seed.provider()
        answer = send(root, "/users/add", **FORM)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account/carol")
        text = root.get("/account/carol").text
        assert "The account carol is added, with 2 websites. A check of what is new was asked for." in text
        assert "old.carol.test" in text and "/srv/carol" in text
        assert queued() == ['{"accounts": ["carol"], "forced": false}']
        assert (sites / "carol.toml").stat().st_mode & 0o077 == 0

    def test_without_a_provider_nothing_is_queued(self, root: Browser) -> None:
        send(root, "/users/add", **FORM)
        assert "No provider is in use, so nothing is checked yet." in root.get("/account/carol").text
        assert queued() == []

    def test_another_website_gets_its_fields_without_anything_being_made(self, root: Browser, sites: Path) -> None:
        answer = send(root, "/users/add", **{**FORM, "more": "1"})
        assert answer.status_code == 200 and answer.text.count('name="names"') == 4
        assert "carol.test www.carol.test" in answer.text and 'value="/srv/carol"' in answer.text
        assert list(sites.iterdir()) == []

    @pytest.mark.parametrize(
        ("change", "field", "said"),
        [
            ({"name": ""}, "name", "This can&#39;t be used"),
            ({"name": "../x"}, "name", "This can&#39;t be used"),
            ({"name": "<b>"}, "name", "This can&#39;t be used"),
            ({"name": "unassigned"}, "name", "kept for websites without an owner"),
            ({"name": "user00001"}, "name", "there is an account of that name already"),
            ({"contact": "nobody"}, "contact", "expected a mail address"),
            ({"package": "nothing"}, "package", "There is no such package."),
            ({"names": [""]}, "names-0", "Expected at least one name."),
            ({"names": ["localhost"]}, "names-0", "localhost: it has no dot"),
            ({"names": ["*.carol.test"]}, "names-0", "a wildcard can&#39;t be it"),
            ({"names": ["carol.test", "a b_c.test"]}, "names-1", "it has no dot"),
            ({"names": ["carol.test", ""], "docroot": ["", "/srv/x"]}, "names-1", "Expected at least one name."),
            ({"docroot": ["srv", "", ""]}, "docroot-0", "Expected an absolute path"),
            ({"docroot": ["", "/srv/\x1b[31m", ""]}, "docroot-1", "Expected an absolute path"),
        ],
    )
    def test_bad_input_makes_nothing_and_stands_beside_its_field(
        self, root: Browser, sites: Path, change: dict[str, object], field: str, said: str
    ) -> None:
        seed.accounts(2)
        answer = send(root, "/users/add", **{**FORM, **change})
        assert answer.status_code == 422
        told = answer.text.partition(f'id="{field}-error">')[2].partition("</small>")[0]
        assert said in told, answer.text
        assert list(sites.iterdir()) == [] and "<b>" not in answer.text


class TestDiscover:
    def test_it_says_what_is_new_changed_and_gone_and_asks_for_checks(self, root: Browser, sites: Path) -> None:
        seed.provider()
        for name in ("alice", "bob"):
            (sites / f"{name}.toml").write_text(f"[[websites]]\nnames = ['{name}.test']\n")
        text = send(root, "/users/discover").text
        assert "2 new, 0 changed, 0 gone" in text and "alice.test" in text and "A check was asked for" in text
        assert queued() == ['{"accounts": ["alice", "bob"], "forced": false}']
        (sites / "alice.toml").write_text("[[websites]]\nnames = ['alice.test', 'www.alice.test']\n")
        (sites / "bob.toml").unlink()
        text = send(root, "/users/discover").text
        assert "0 new, 1 changed, 1 gone" in text
        assert len(queued()) == 1

    def test_htmx_gets_the_result_only(self, root: Browser) -> None:
        data = {"csrf_token": root.token("/users/discover")}
        url = "https://panel.example.com"
        answer = root.client.post("/users/discover", base_url=url, data=data, headers=PART)
        assert answer.text.lstrip().startswith('<div id="discover">') and "0 new, 0 changed, 0 gone" in answer.text

    def test_a_source_that_failed_is_named_and_nothing_of_it_is_gone(self, root: Browser, sites: Path) -> None:
        (sites / "alice.toml").write_text("[[websites]]\nnames = ['alice.test']\n")
        send(root, "/users/discover")
        (sites / "bad.toml").write_text("<b>not toml")
        text = send(root, "/users/discover").text
        assert "manifest could not be asked" in text and "bad.toml" in text and "0 gone" in text
        assert "<b>not" not in text

    def test_what_autossl_does_not_look_after_is_not_queued(self, root: Browser, sites: Path) -> None:
        seed.provider()
        features.keep_feature_list(FeatureList("default", autossl=False))
        (sites / "alice.toml").write_text("[[websites]]\nnames = ['alice.test']\n")
        assert "AutoSSL is disabled for what is new" in send(root, "/users/discover").text
        assert queued() == []


class TestUnassigned:
    @pytest.fixture
    def lost(self, root: Browser) -> list[str]:
        seed.accounts(5)
        return seed.unassigned(3)

    def test_each_website_is_given_to_an_account_and_taken_back(self, root: Browser, lost: list[str]) -> None:
        seed.provider()
        text = root.get("/users/unassigned").text
        assert text.count("<select") == 3 and "/etc/apache2/sites-enabled/lost.conf:3" in text
        answer = send(root, "/users/unassigned", website=lost, account=["user00001", "", "user00002"])
        assert answer.status_code == 303
        text = root.get("/users/unassigned").text
        assert "2 websites are assigned. A check was asked for: user00001, user00002." in text
        owners = dict(models.Website.select(models.Website.main, models.Website.account).tuples())
        assert [owners[main] for main in lost] == ["user00001", "unassigned", "user00002"]
        assert "Take back" in text and text.count("<select") == 1
        assert models.Account.get_by_id("user00001").wanted > 3, "its figures count the new names"
        send(root, "/users/unassigned", website=lost[0], account="unassigned")
        assert models.Website.get(models.Website.main == lost[0]).account_id == "unassigned"

    def test_one_that_can_not_be_assigned_keeps_the_others_back(self, root: Browser, lost: list[str]) -> None:
        answer = send(root, "/users/unassigned", website=lost[:2], account=["user00001", "<nobody>"])
        assert answer.status_code == 422
        assert "Nothing was assigned" in answer.text and "&lt;nobody&gt;: there is no such account." in answer.text
        assert models.Assignment.select().count() == 0
        assert '<option selected>user00001</option>' in answer.text, "what was chosen stays chosen"

    def test_only_websites_without_an_owner_are_given_away(self, root: Browser, lost: list[str]) -> None:
        answer = send(root, "/users/unassigned", website="shop1.example.com", account="user00002")
        assert answer.status_code == 422
        assert models.Website.get(models.Website.main == "shop1.example.com").account_id == "user00001"
        assert send(root, "/users/unassigned", website=lost, account=["", "", ""]).status_code == 303

    def test_of_many_accounts_the_fitting_ones_are_offered(self, root: Browser, lost: list[str], app: Flask) -> None:
        seed.accounts(60, first=5)
        text = root.get("/users/unassigned").text
        assert "<select" not in text and 'list="accounts"' in text
        offered = root.get("/users/names?account=r0006").text
        assert offered.split() == " ".join(f'<option value="user0006{n}"></option>' for n in range(5)).split()
        assert root.get("/users/names?account=%3Cb%3E").text.strip() == ""
