"""Manage Users: the page of one account, and what is changed there."""

from __future__ import annotations

import pytest
from flask import Flask

import models
from jobs.policy.access import Role
from jobs.wiring import accounts, features, options
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.command_line import Line
from tests.panel.queries import recorded

NAME = "user00003"
PAGE = f"/account/{NAME}"
FORM = {"contact": "a@example.org", "package": "gold", "override": "enabled", "reseller": "rita"}


@pytest.fixture
def root(line: Line, browser: Browser) -> Browser:
    nowhere = "binary = '/nowhere'\n"
    (line.instance / "config.toml").write_text(f"[accounts.apache]\n{nowhere}[accounts.nginx]\n{nowhere}")
    seed.accounts(5)
    features.keep_package("gold", "default")
    add("rita", Role.RESELLER)
    browser.sign_in()
    return browser


@pytest.fixture
def ours(root: Browser, app: Flask) -> str:
    """An account that was added here."""
    accounts.add(app.extensions["autossl"], "ours", None, "default", ["ours.test"], "/srv/ours")
    return "ours"


def row(name: str = NAME) -> models.Account:
    return models.Account.get_by_id(name)


def test_it_shows_where_a_website_was_found_and_what_can_not_be_used(root: Browser) -> None:
    text = root.get(PAGE).text
    assert "/etc/apache2/sites-enabled/user00003.conf:4" in text and "/home/user00003/htdocs" in text
    assert "bad_&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m" in text and "is not made of letters" in text
    assert "<script>alert" not in text and "\x1b" not in text
    assert "Enabled (feature list default)" in text and 'href="/status/user00003"' in text
    assert text.count("<h1") == 1


def test_the_settings_are_kept_all_at_once_and_told_to_the_audit_log(root: Browser) -> None:
    answer = root.post(PAGE, **FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    now = row()
    assert (now.contact, now.package, now.override, now.reseller) == tuple(FORM.values())
    assert "The settings are kept." in root.get(PAGE).text
    entry = models.AuditEntry.select().order_by(models.AuditEntry.id.desc()).first()
    assert (entry.action, entry.result) == ("account.change", "done")
    assert entry.object == "user00003 contact=a@example.org package=gold override=enabled reseller=rita"
    root.post(PAGE, **FORM)
    assert "Nothing was different" in root.get(PAGE).text
    root.post(PAGE, **{**FORM, "contact": "", "override": "none", "reseller": ""})
    assert (row().contact, row().override, row().reseller) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"contact": "nobody"}, "This can&#39;t be used: expected a mail address."),
        ({"contact": "<b>@example.org"}, "This can&#39;t be used: expected a mail address"),
        ({"package": "nothing"}, "There is no such package."),
        ({"override": "perhaps"}, "Expected one of the choices."),
        ({"reseller": "root"}, "No reseller of that name may sign in."),
    ],
)
def test_bad_input_keeps_nothing_and_stands_beside_its_field(
    root: Browser, change: dict[str, str], said: str
) -> None:
    answer = root.post(PAGE, **{**FORM, **change})
    assert answer.status_code == 422
    (name,) = change
    assert f'id="{name}-error">{said}' in answer.text
    assert (row().package, row().override) == ("default", None)
    assert "<b>@" not in answer.text


def test_what_was_added_here_keeps_its_facts_in_its_file(root: Browser, app: Flask, ours: str) -> None:
    instance = app.extensions["autossl"]
    assert root.post("/account/ours", **FORM).status_code == 303
    text = (instance.place.instance / "sites.d" / "ours.toml").read_text()
    assert all(word in text for word in ("a@example.org", "gold", "rita", "ours.test", "/srv/ours"))


def test_what_a_person_wrote_has_no_such_fields(root: Browser, app: Flask, ours: str) -> None:
    path = app.extensions["autossl"].place.instance / "sites.d" / "ours.toml"
    path.write_text(f"# mine\n{path.read_text()}")
    text = root.get("/account/ours").text
    assert "written by hand" in text and 'name="contact"' not in text and 'name="override"' in text
    assert root.post("/account/ours", override="disabled").status_code == 303
    assert row("ours").override == "disabled"
    refused = root.post("/account/ours", override="none", contact="a@example.org")
    assert refused.status_code == 422
    assert (row("ours").override, row("ours").contact) == ("disabled", None)


def test_it_is_suspended_and_taken_in_again(root: Browser) -> None:
    assert root.post(f"{PAGE}/suspend").status_code == 303
    assert row().state == "suspended"
    assert "user00003 is suspended" in root.get(PAGE).text and "Unsuspend" in root.get(PAGE).text
    root.post(f"{PAGE}/suspend")
    assert "was suspended already" in root.get(PAGE).text
    root.post(f"{PAGE}/unsuspend")
    assert row().state == "active"


def test_only_what_was_added_here_is_removed_and_only_after_a_question(
    root: Browser, app: Flask, ours: str
) -> None:
    assert "Remove the account" not in root.get(PAGE).text
    assert root.get(f"{PAGE}/remove").headers["Location"] == PAGE
    assert root.post(f"{PAGE}/remove").status_code == 409
    assert row().gone_at is None
    asked = root.get("/account/ours/remove").text
    assert "Remove the account ours?" in asked and "ours.test" in asked
    assert root.post("/account/ours/remove").headers["Location"] == "/users"
    assert root.get("/account/ours").status_code == 404
    assert not (app.extensions["autossl"].place.instance / "sites.d" / "ours.toml").exists()


def test_a_reseller_changes_their_own_and_gives_none_away(root: Browser, app: Flask, other: Browser) -> None:
    options.save(app.extensions["autossl"].config, {"resellers": True})
    add("rosa", Role.RESELLER)
    models.Account.update(reseller="rosa").where(models.Account.name == NAME).execute()
    other.sign_in("rosa")
    text = other.get(PAGE).text
    assert 'name="reseller"' not in text and "/people" not in text
    assert other.post(PAGE, **FORM).status_code == 303
    assert (row().package, row().reseller) == ("gold", "rosa")
    for path in ("/account/user00000", "/account/nobody"):
        assert other.get(path).status_code == 404
        assert other.post(path, **FORM).status_code == 404
        assert other.post(f"{path}/suspend").status_code == 404
    assert other.get(f"{PAGE}/remove").status_code == 403
    assert models.Account.get_by_id("user00000").package == "default"


def test_the_bucket_of_websites_without_an_owner_leads_to_its_own_page(root: Browser) -> None:
    seed.unassigned(1)
    assert root.get("/account/unassigned").headers["Location"] == "/users/unassigned"


def test_the_number_of_queries_does_not_depend_on_its_websites(root: Browser) -> None:
    counts = []
    for more in range(2):
        for number in range(more * 20):
            models.Website.create(account=NAME, main=f"more{number}.test", names=f'["more{number}.test"]',
                                  source="apache", found_at=row().found_at)
        root.get(PAGE)
        with recorded() as said:
            root.get(PAGE)
        counts.append(len(said))
    assert counts[0] == counts[1]
