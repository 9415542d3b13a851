"""A session that somebody else knows, or put into a browser, is never the one that a sign-in opens."""

from __future__ import annotations

import secrets

import pyotp
import pytest

from tests.attacks.raw_requests import NAME, Target
from tests.panel.browser import COOKIE, PASSWORD, Browser, with_totp

FLAGS = {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"}


def test_an_id_that_an_attacker_chose_is_not_taken_over(browser: Browser, other: Browser) -> None:
    planted = secrets.token_urlsafe(32)
    browser.cookie = planted
    browser.sign_in()
    assert browser.signed_in() and browser.cookie != planted
    other.cookie = planted
    assert not other.signed_in()


def test_a_session_that_an_attacker_began_does_not_become_the_victims(browser: Browser, other: Browser) -> None:
    """He gives the victim his own cookie and token of before the sign-in."""
    token = other.token("/login")
    browser.cookie = other.cookie
    data = {"csrf_token": token, "name": "root", "password": PASSWORD}
    browser.client.post("/login", base_url=f"https://{NAME}", data=data)
    assert not other.signed_in()


def test_the_half_way_session_of_the_first_step_is_of_no_use_after_the_second(browser: Browser, other: Browser) -> None:
    totp, _ = with_totp()
    browser.sign_in()
    half = browser.cookie
    browser.post("/login/code", "/login/code", code=totp.now())
    assert browser.signed_in() and browser.cookie != half
    other.client.environ_base.update(browser.client.environ_base)
    other.cookie = half
    assert not other.signed_in()


def test_an_id_ends_when_what_it_may_do_changes(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    seen = {browser.cookie}
    browser.post("/security/password", password=PASSWORD, new="battery staple", again="battery staple")
    seen.add(browser.cookie)
    page = browser.get("/security/totp").text
    secret = pyotp.TOTP("".join(page.partition('<code class="secret">')[2].partition("<")[0].split()))
    browser.post("/security/totp", "/security/totp", password="battery staple", code=secret.now())
    seen.add(browser.cookie)
    assert len(seen) == 3
    other.client.environ_base.update(browser.client.environ_base)
    for former in seen - {browser.cookie}:
        other.cookie = former
        assert not other.signed_in()


def test_a_sign_out_ends_the_session_and_not_only_the_cookie(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    kept = browser.cookie
    browser.post("/logout")
    other.client.environ_base.update(browser.client.environ_base)
    other.cookie = kept
    assert not other.signed_in()


@pytest.mark.parametrize("path", ["/login", "/security"])
def test_a_cookie_is_for_https_for_this_host_and_for_no_script(panel: Target, path: str) -> None:
    answer = panel.get(path)
    for cookie in answer.headers.get_all("Set-Cookie") or []:
        pair, *flags = cookie.split("; ")
        assert pair.startswith(f"{COOKIE}=")
        assert set(flags) >= FLAGS and not any(flag.startswith("Domain") for flag in flags)


def test_a_session_is_not_taken_from_an_address_or_a_form(browser: Browser, other: Browser) -> None:
    browser.sign_in()
    other.client.environ_base.update(browser.client.environ_base)
    for name in (COOKIE, "session", "sid", "PHPSESSID"):
        assert other.get(f"/security?{name}={browser.cookie}").status_code == 303
        headers = {name: browser.cookie, "Authorization": f"Bearer {browser.cookie}"}
        assert other.get("/security", headers=headers).status_code == 303
