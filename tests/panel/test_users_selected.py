"""Manage Users: what is done with many accounts in one request."""

from __future__ import annotations

import pytest
from flask import Flask

import models
from jobs.policy.access import Role
from jobs.wiring import accounts, features, options
from panel.users.selected import MANY
from tests.panel import seed
from tests.panel.browser import Browser, add

PART = {"HX-Request": "true"}
SEND = "/users/selected"


def overrides() -> dict[str, str | None]:
    return dict(models.Account.select(models.Account.name, models.Account.override).tuples())


def last_entry() -> tuple[str, str, str]:
    row = models.AuditEntry.select().order_by(models.AuditEntry.id.desc()).first()
    return row.action, row.object, row.result


@pytest.fixture
def root(browser: Browser) -> Browser:
    browser.sign_in()
    return browser


@pytest.fixture
def names(root: Browser) -> list[str]:
    found = seed.accounts(30)
    models.Account.update(override=None).execute()
    return found


def send(browser: Browser, names: object = (), path: str = SEND, **more: object):
    return browser.post(path, account=list(names), **more)  # type: ignore[arg-type, call-overload]


def test_selected_accounts_are_disabled_enabled_and_reset_by_one_request(root: Browser, names: list[str]) -> None:
    for action, kept, said in [
        ("disable", "disabled", "AutoSSL is disabled for 3 accounts."),
        ("enable", "enabled", "AutoSSL is enabled for 3 accounts."),
        ("reset", None, "AutoSSL is as the feature list says for 3 accounts."),
    ]:
        answer = send(root, names[:3], action=action)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/users")
        assert [overrides()[name] for name in names[:4]] == [kept, kept, kept, None]
        assert said in root.get("/users").text
        assert last_entry()[0] == "accounts.change" and " ".join(names[:3]) in last_entry()[1]


def test_htmx_gets_the_list_with_its_state_and_the_count(root: Browser, names: list[str]) -> None:
    token = root.token("/security")
    answer = root.client.post(
        f"{SEND}?q=shop1&sort=-account", base_url="https://panel.example.com", headers=PART,
        data={"csrf_token": token, "account": names[1], "action": "disable"},
    )
    assert answer.status_code == 200 and "<html" not in answer.text
    assert "AutoSSL is disabled for 1 account." in answer.text and 'hx-swap-oob="innerHTML:#status"' in answer.text
    assert answer.text.index('value="user00019"') < answer.text.index('value="user00010"')
    assert 'href="/users?q=shop1' in answer.text and "/users/selected?q=shop1" in answer.text


def test_what_had_that_already_is_not_counted(root: Browser, names: list[str]) -> None:
    send(root, names[:2], action="disable")
    root.get("/users")
    send(root, names[:3], action="disable")
    assert "AutoSSL is disabled for 1 account. 2 accounts had that already." in root.get("/users").text


def test_everything_that_matches_is_meant_with_one_box(root: Browser, names: list[str]) -> None:
    answer = send(root, [], f"{SEND}?q=shop2", action="disable", everything="1")
    assert answer.headers["Location"] == "/users?q=shop2"
    changed = {name for name, override in overrides().items() if override}
    assert changed == {"user00002", *(f"user0002{digit}" for digit in range(10))}


def test_many_are_changed_only_after_a_look_at_their_number(root: Browser, names: list[str]) -> None:
    for chosen, more in ((names, {}), ([], {"everything": "1"})):
        asked = send(root, chosen, action="disable", **more)
        assert asked.status_code == 200
        assert "Disable AutoSSL for 30 accounts?" in asked.text and 'name="confirmed" value="30"' in asked.text
        assert "user00000" in asked.text and "and 10 more" in asked.text
        assert not any(overrides().values())
        assert last_entry()[2] == "asked for confirmation"
    assert send(root, names[:MANY], action="disable").status_code == 303


def test_a_confirmation_of_another_number_asks_again(root: Browser, names: list[str]) -> None:
    assert "for 30 accounts?" in send(root, action="disable", everything="1", confirmed="29").text
    assert not any(overrides().values())
    assert send(root, action="disable", everything="1", confirmed="30").status_code == 303
    assert set(overrides().values()) == {"disabled"}


def test_htmx_gets_the_question_in_place_of_the_page(root: Browser, names: list[str]) -> None:
    answer = root.client.post(
        SEND, base_url="https://panel.example.com", headers=PART,
        data={"csrf_token": root.token("/security"), "account": names, "action": "reset"},
    )
    assert answer.headers["HX-Retarget"] == "#main" and "<html" not in answer.text
    assert "Reset to feature list default for 30 accounts?" in answer.text


@pytest.mark.parametrize(
    ("chosen", "more", "said"),
    [
        ([], {"action": "disable"}, "Select at least one account."),
        (["nobody"], {"action": "disable"}, "1 account of those selected can&#39;t be found any more."),
        (["user00001", "<b>"], {"action": "disable"}, "1 account of those selected can&#39;t be found any more."),
        (["user00001"], {"action": "package"}, "Choose the package that is to be assigned."),
        (["user00001"], {"action": "package", "package": "nothing"}, "Choose the package that is to be assigned."),
    ],
)
def test_bad_input_changes_nothing_and_is_told_above_the_list(
    root: Browser, names: list[str], chosen: list[str], more: dict[str, str], said: str
) -> None:
    answer = send(root, chosen, **more)
    assert answer.status_code == 422
    assert f"{said} Nothing was changed." in answer.text
    assert not any(overrides().values())


def test_an_action_that_is_not_there_is_refused(root: Browser, names: list[str]) -> None:
    assert send(root, names[:1], action="drop").status_code == 400
    assert send(root, names[:1]).status_code == 400


def test_a_reseller_changes_their_own_accounts_only(
    root: Browser, app: Flask, other: Browser, names: list[str]
) -> None:
    add("rita", Role.RESELLER)
    options.save(app.extensions["autossl"].config, {"resellers": True})
    other.sign_in("rita")
    assert send(other, ["user00000", "user00001"], action="disable").status_code == 422
    assert not any(overrides().values())
    assert send(other, action="disable", everything="1").status_code == 303
    assert {name for name, override in overrides().items() if override} == {f"user{n:05}" for n in range(0, 30, 4)}


def test_a_package_is_given_and_what_a_person_wrote_is_left_alone(
    root: Browser, app: Flask, names: list[str]
) -> None:
    features.keep_package("gold", "default")
    assert send(root, names[:2], action="package", package="gold").status_code == 303
    assert "The package is assigned for 2 accounts." in root.get("/users").text
    instance = app.extensions["autossl"]
    accounts.add(instance, "byhand", None, "default", ["byhand.test"], None)
    path = instance.place.instance / "sites.d" / "byhand.toml"
    path.write_text(f"# mine\n{path.read_text()}")
    refused = send(root, ["byhand"], action="package", package="gold")
    assert refused.status_code == 422 and "written by hand" in refused.text
    assert models.Account.get_by_id("byhand").package == "default"
