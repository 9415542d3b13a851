"""Two-step sign-in: set up, asked for, each wrong code, backup codes, and switched off."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Flask

import models
from tests.panel.browser import HTTPS, PASSWORD, Browser, user, with_totp
from tests.panel.command_line import Line

CODE_ASKED = "The six digits of your authenticator, or one of your backup codes."


def set_up(browser: Browser) -> tuple[pyotp.TOTP, str]:
    """Switch it on by the pages; the authenticator and the page with the backup codes."""
    page = browser.get("/security/totp").text
    secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert secret
    authenticator = pyotp.TOTP(secret.group(1).replace(" ", ""))
    answer = browser.post("/security/totp", "/security/totp", code=authenticator.now(), password=PASSWORD)
    assert answer.status_code == 200
    return authenticator, answer.text


def later(authenticator: pyotp.TOTP) -> str:
    """The code of the next step, for where the present one is used up."""
    return authenticator.at(datetime.now(UTC) + timedelta(seconds=30))


def give(browser: Browser, code: str):
    return browser.post("/login/code", "/login/code", code=code)


def test_it_is_set_up_by_a_picture_or_the_secret_and_proven_first(browser: Browser) -> None:
    browser.sign_in()
    page = browser.get("/security/totp").text
    assert 'src="data:image/svg+xml' in page
    assert "otpauth" not in page
    assert browser.get("/security/totp").text.count("data:image/svg+xml") == 1
    _, codes = set_up(browser)
    assert user().totp_secret is not None
    assert len(re.findall(r"<code>[a-z0-9]{4}(?:-[a-z0-9]{4}){3}</code>", codes)) == 10
    assert "Two-step sign-in is on." in codes
    assert "Backup codes: 10 left" in browser.get("/security").text


def test_the_secret_stays_the_same_until_it_is_proven(browser: Browser) -> None:
    browser.sign_in()
    secrets = {re.search(r'class="secret">([^<]+)<', browser.get("/security/totp").text).group(1) for _ in range(3)}
    assert len(secrets) == 1


@pytest.mark.parametrize(("code", "password"), [("000000", PASSWORD), ("", PASSWORD), ("right", "wrong"), ("x", "")])
def test_a_wrong_code_or_password_switches_nothing_on(browser: Browser, code: str, password: str) -> None:
    browser.sign_in()
    page = browser.get("/security/totp").text
    secret = re.search(r'class="secret">([^<]+)<', page).group(1).replace(" ", "")
    sent = pyotp.TOTP(secret).now() if code == "right" else code
    answer = browser.post("/security/totp", "/security/totp", code=sent, password=password)
    assert answer.status_code == 422
    assert secret[:4] in answer.text
    assert user().totp_secret is None
    assert models.BackupCode.select().count() == 0


def test_switching_it_on_signs_out_the_others_and_changes_this_id(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    other.sign_in()
    before = browser.cookie
    set_up(browser)
    assert (browser.signed_in(), other.signed_in()) == (True, False)
    assert browser.cookie != before


def test_the_sign_in_asks_for_the_code_and_is_nothing_before_it(browser: Browser) -> None:
    authenticator, _ = with_totp()
    answer = browser.sign_in(next="/audit")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login/code")
    assert CODE_ASKED in browser.get("/login/code").text
    assert not browser.signed_in()
    half = browser.cookie
    answer = give(browser, authenticator.now())
    assert (answer.status_code, answer.headers["Location"]) == (303, "/audit")
    assert browser.signed_in()
    assert browser.cookie != half


def test_a_code_is_taken_once(browser: Browser, other: Browser) -> None:
    authenticator, _ = with_totp()
    code = authenticator.now()
    for one in (browser, other):
        one.sign_in()
    assert give(browser, code).status_code == 303
    answer = give(other, code)
    assert answer.status_code == 422
    assert "That code does not hold. It may be used already" in answer.text
    assert not other.signed_in()
    assert give(other, later(authenticator)).status_code == 303


def test_the_code_that_switched_it_on_does_not_sign_in(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    authenticator, _ = set_up(browser)
    other.sign_in()
    step = user().totp_step
    assert give(other, authenticator.at(step * 30)).status_code == 422
    assert give(other, authenticator.at((step + 1) * 30)).status_code == 303


@pytest.mark.parametrize(
    "code", ["", "0", "000000", "12345678901234567890", "١٢٣٤٥٦", "null", "aaaa-bbbb-cccc-dddd", "\0"]
)
def test_a_wrong_code_opens_nothing(browser: Browser, code: str) -> None:
    with_totp()
    browser.sign_in()
    assert give(browser, code).status_code == 422
    assert not browser.signed_in()


def test_a_code_of_long_ago_or_of_the_future_opens_nothing(browser: Browser) -> None:
    authenticator, _ = with_totp()
    browser.sign_in()
    for away in (timedelta(seconds=-90), timedelta(seconds=90)):
        assert give(browser, authenticator.at(datetime.now(UTC) + away)).status_code == 422


def test_a_backup_code_opens_once(browser: Browser, other: Browser) -> None:
    _, codes = with_totp()
    for one in (browser, other):
        one.sign_in()
    assert give(browser, f" {codes[0].upper()} ").status_code == 303
    assert give(other, codes[0]).status_code == 422
    assert give(other, codes[1].replace("-", "")).status_code == 303
    assert models.BackupCode.select().count() == 8


def test_backup_codes_are_kept_as_hashes_only(line: Line, app: Flask) -> None:
    _, codes = with_totp()
    models.database.close()
    stored = b"".join(path.read_bytes() for path in line.instance.glob("panel.sqlite3*"))
    for code in codes:
        assert code.encode() not in stored and code.replace("-", "").encode() not in stored


def test_somebody_elses_backup_code_opens_nothing(line: Line, browser: Browser) -> None:
    line.run("admin", "add", "second", "--password-file", "-", stdin=PASSWORD + "\n")
    with_totp()
    _, codes = with_totp("second")
    browser.sign_in()
    assert give(browser, codes[0]).status_code == 422


def test_guessing_codes_is_limited_with_the_right_password_in_hand(app: Flask) -> None:
    authenticator, _ = with_totp()
    refused = []
    for _ in range(7):
        thief = Browser(app)
        if thief.sign_in().status_code == 303:
            refused.append(give(thief, "000000").status_code)
    assert refused == [422] * 5
    assert Browser(app).sign_in().status_code == 429
    elsewhere = Browser(app, address="203.0.113.50")
    elsewhere.sign_in()
    assert give(elsewhere, authenticator.now()).status_code == 303


def test_the_second_step_without_the_first_leads_back(browser: Browser) -> None:
    with_totp()
    assert browser.get("/login/code").headers["Location"] == "/login"
    answer = browser.post("/login/code", "/login", code="000000")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


def test_half_a_sign_in_ends_after_ten_minutes(browser: Browser) -> None:
    authenticator, _ = with_totp()
    browser.sign_in()
    token = browser.token("/login/code")
    row = models.Session.get()
    models.Session.update(created_at=row.created_at - timedelta(minutes=10)).execute()
    data = {"csrf_token": token, "code": authenticator.now()}
    browser.client.post("/login/code", base_url=HTTPS, data=data)
    assert not browser.signed_in()
    assert models.Session.select().count() == 0


def test_half_a_sign_in_ends_when_the_password_is_changed(line: Line, browser: Browser) -> None:
    authenticator, _ = with_totp()
    browser.sign_in()
    token = browser.token("/login/code")
    line.run("admin", "reset-password", "root", "--password-file", "-", stdin="another password\n")
    data = {"csrf_token": token, "code": authenticator.now()}
    assert browser.client.post("/login/code", base_url=HTTPS, data=data).headers["Location"] == "/login"
    assert not browser.signed_in()


def test_switching_it_off_needs_the_password(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    set_up(browser)
    for path in ("/security/totp/off", "/security/codes"):
        answer = browser.post(path, password="wrong")
        assert answer.status_code == 422
        assert "That is not your password." in answer.text
    assert user().totp_secret is not None
    assert browser.post("/security/totp/off", password=PASSWORD).status_code == 303
    assert user().totp_secret is None
    assert models.BackupCode.select().count() == 0
    assert other.sign_in().headers["Location"] == "/"


def test_new_backup_codes_take_the_place_of_the_former(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    _, page = set_up(browser)
    former = re.findall(r"<code>([a-z0-9-]+)</code>", page)
    fresh = re.findall(r"<code>([a-z0-9-]+)</code>", browser.post("/security/codes", password=PASSWORD).text)
    assert len(fresh) == 10 and not set(fresh) & set(former)
    other.sign_in()
    assert give(other, former[0]).status_code == 422
    assert give(other, fresh[0]).status_code == 303


def test_it_can_not_be_set_up_twice(browser: Browser) -> None:
    browser.sign_in()
    set_up(browser)
    secret = user().totp_secret
    assert browser.get("/security/totp").status_code == 302
    assert browser.post("/security/totp", code="000000", password=PASSWORD).status_code == 303
    assert user().totp_secret == secret
