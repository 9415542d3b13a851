"""Who calls: tokens, browsers that are signed in, and what either leaves in the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

import models
from jobs.wiring.instance import now
from panel.api.functions import FUNCTIONS
from tests.panel.api.api_client import BY_NAME, EXAMPLES, HTTPS, Script, check_shape, reason, rows, script
from tests.panel.browser import Browser

READING = [function.name for function in FUNCTIONS if not function.changes]
CHANGING = [function.name for function in FUNCTIONS if function.changes]


@pytest.fixture
def signed_in(app: Flask) -> Browser:
    browser = Browser(app)
    assert browser.sign_in().status_code == 303
    return browser


def by_get(browser: Browser, name: str, headers: dict[str, str] | None = None) -> TestResponse:
    sent = {"api.version": "1", **EXAMPLES[name]}
    return browser.client.get(BY_NAME[name].path, base_url=HTTPS, query_string=sent, headers=headers)


def by_post(browser: Browser, name: str, token: str | None, header: str | None = None) -> TestResponse:
    sent = {"api.version": "1", **EXAMPLES[name], **({} if token is None else {"csrf_token": token})}
    headers = {} if header is None else {"X-CSRFToken": header}
    return browser.client.post(BY_NAME[name].path, base_url=HTTPS, data=sent, headers=headers)


def audited() -> list[tuple[str, str, str, str]]:
    with rows():
        query = models.AuditEntry.select().where(models.AuditEntry.action.startswith("api."))
        return [(row.who, row.action, row.object, row.result) for row in query.order_by(models.AuditEntry.id)]


def test_nobody_gets_anything(app: Flask) -> None:
    for name in BY_NAME:
        answer = Script(app).call(name, **EXAMPLES[name])
        assert answer.status_code == 401, name
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer x", "Basic cm9vdDpjb3JyZWN0IGhvcnNl", "whm root", "whm root:", "whm :x",
     "Bearer autossl_000000000000_" + "A" * 43, "Bearer " + "x" * 5000, "Bearer \xff\xfe"],
)
def test_a_header_that_is_no_token_is_refused_even_beside_a_session(signed_in: Browser, header: str) -> None:
    answer = by_get(signed_in, "get_autossl_metadata", {"Authorization": header})
    assert answer.status_code == 401, answer.text
    check_shape(BY_NAME["get_autossl_metadata"], answer)


def test_whm_s_own_form_names_the_user_that_the_token_belongs_to(app: Flask, admin: Script) -> None:
    text = admin.header.removeprefix("Bearer ")
    for form in ("whm", "cpanel"):
        assert Script(app, f"{form} root:{text}").call("get_autossl_metadata").status_code == 200
        assert Script(app, f"{form} alice:{text}").call("get_autossl_metadata").status_code == 401


def test_a_token_ends_by_its_date_and_by_being_revoked(app: Flask, admin: Script) -> None:
    with rows():
        models.Token.update(expires_at=now() - timedelta(seconds=1)).execute()
    assert admin.call("get_autossl_metadata").status_code == 401
    other = script(app, "root")
    with rows():
        models.Token.delete().execute()
    assert other.call("get_autossl_metadata").status_code == 401


def test_a_browser_that_is_signed_in_reads_by_get(signed_in: Browser) -> None:
    for name in READING:
        answer = by_get(signed_in, name)
        check_shape(BY_NAME[name], answer)
        assert answer.status_code == (403 if "::" in name else 404 if name == "get_autossl_log" else 200), name


def test_a_browser_changes_nothing_by_get_nor_without_its_csrf_token(signed_in: Browser) -> None:
    with rows():
        models.Provider.create(name="x", plugin="letsencrypt", current=True, added_at=now())
    for name in CHANGING:
        for answer in (by_get(signed_in, name), by_post(signed_in, name, None), by_post(signed_in, name, "forged")):
            assert answer.status_code == 403, name
            check_shape(BY_NAME[name], answer)
    with rows():
        assert models.Provider.get(models.Provider.current).name == "x"
        assert models.QueueEntry.select().count() == models.Exclusion.select().count() == 0


def test_a_browser_changes_by_post_with_its_csrf_token_in_the_form_or_in_the_header(signed_in: Browser) -> None:
    token = signed_in.token("/security")
    name = "add_autossl_user_excluded_domains"
    assert by_post(signed_in, name, token).status_code == 200
    assert by_post(signed_in, "set_autossl_user_excluded_domains", None, header=token).status_code == 200
    told = [("root", f"api.{name}", "alice alice.test", "done"),
            ("root", "api.set_autossl_user_excluded_domains", "alice", "done")]
    assert audited() == told
    assert by_post(signed_in, "get_autossl_metadata", token).status_code == 200
    assert audited() == told, "a look leaves no entry, whatever the method"


def test_a_user_who_is_signed_in_is_of_the_own_account(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in("alice")
    assert by_get(browser, "SSL::get_autossl_problems").json == {
        "status": 1, "errors": None, "messages": None, "data": []
    }
    assert by_get(browser, "get_autossl_metadata").status_code == 403


def test_a_token_changes_by_get_and_by_post_and_both_are_audited(app: Flask, admin: Script) -> None:
    prefix = admin.header.split("_")[1]
    admin.data("add_override_features_for_user", user="bob", features='{"autossl":0}')
    admin.data("set_autossl_metadata_key", method="POST", key="notify_autossl_expiry", value="0")
    assert admin.refused("start_autossl_check_for_one_user", username="nobody")[0] == 404
    assert admin.refused("start_autossl_check_for_one_user")[0] == 422
    assert script(app, "alice").refused("disable_autossl")[0] == 403
    entries = audited()
    assert [(who, action, result) for who, action, _, result in entries] == [
        ("root", "api.add_override_features_for_user", "done"),
        ("root", "api.set_autossl_metadata_key", "done"),
        ("root", "api.start_autossl_check_for_one_user", "refused"),
        ("root", "api.start_autossl_check_for_one_user", "invalid"),
        ("alice", "api.disable_autossl", "refused"),
    ]
    assert entries[0][2] == f"token {prefix}: bob autossl=0"


def test_head_changes_nothing(admin: Script) -> None:
    answer = admin.send("/json-api/add_autossl_user_excluded_domains", "HEAD",
                        {"api.version": "1", "username": "alice", "domain": "alice.test"})
    assert answer.status_code == 405
    assert admin.data("get_autossl_user_excluded_domains", username="alice")["payload"] == []
    assert admin.send("/json-api/get_autossl_metadata", "HEAD", {"api.version": "1"}).status_code == 200


def test_a_session_that_waits_for_its_code_is_nobody(app: Flask) -> None:
    from tests.panel.browser import with_totp

    with rows():
        with_totp("root")
    browser = Browser(app)
    browser.sign_in()
    answer = by_get(browser, "get_autossl_metadata")
    assert (answer.status_code, "token" in reason(answer)) == (401, True)
