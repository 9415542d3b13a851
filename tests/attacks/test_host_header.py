"""The Host header is the sender's word: no link, redirect or cookie of the panel is made of it."""

from __future__ import annotations

import pytest

from tests.attacks.raw_requests import NAME, Target
from tests.panel.browser import PASSWORD, Browser
from tests.panel.command_line import Line

EVIL = "evil.example"
HOSTS = [EVIL, f"{EVIL}:443", f"{EVIL}/x", f"{EVIL}#", f"{NAME}@{EVIL}", '"><script>alert(1)</script>', "[::1", "a b",
         "127.0.0.1", "%0d%0aX:y", "x" * 5000]
PAGES = ["/", "/login", "/login?next=/logs", "/security", "/healthz", "/nowhere", "/static/autossl.css", "/setup/x"]


@pytest.mark.parametrize("host", HOSTS)
def test_no_answer_names_the_host_that_was_claimed(panel: Target, host: str) -> None:
    for path in PAGES:
        answer = panel.get(path, host=host)
        assert answer.status < 500, path
        assert "evil" not in answer.text and "<script>alert" not in answer.text, path
        for name, value in answer.headers.items():
            assert "evil" not in value and "Domain=" not in value, (path, name)
        if "Location" in answer.headers:
            assert answer.headers["Location"].startswith("/login"), path


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n", b"Host:\r\n"])
def test_a_request_without_one_host_is_refused(panel: Target, hosts: bytes) -> None:
    assert panel.send(b"GET /login HTTP/1.1\r\n" + hosts + b"\r\n").status == 400


def test_a_link_for_a_new_password_is_at_the_configured_name_whoever_asks(line: Line, browser: Browser) -> None:
    (line.instance / "config.toml").write_text('[panel]\nhostname = "panel.example.com"\n')
    browser.sign_in()
    typed = {"csrf_token": browser.token("/users/people/add"), "name": "ann", "role": "admin"}
    for name in ("X-Forwarded-Host", "X-Host", "Forwarded"):
        browser.client.environ_base[f"HTTP_{name.upper().replace('-', '_')}"] = EVIL
    answer = browser.client.post("/users/people/add", base_url="https://panel.example.com", data=typed)
    assert EVIL not in answer.text
    made = line.run("admin", "reset-password", "root", "--link")
    assert "https://panel.example.com:2087/setup/" in made.out


def test_the_way_back_after_a_sign_in_stays_on_this_panel_whatever_host_is_claimed(browser: Browser) -> None:
    base = f"https://{EVIL}"
    page = browser.client.get("/login", base_url=base).text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    typed = {"csrf_token": token, "name": "root", "password": PASSWORD, "next": f"{base}//{EVIL}/x"}
    answer = browser.client.post("/login", base_url=base, data=typed)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert "Domain" not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("host", [f"{EVIL}/x", "x" * 5000, "a b", "[::1"])
def test_a_host_that_is_none_gets_no_500_behind_another_web_server_either(browser: Browser, host: str) -> None:
    for path in ("/login", "/nowhere", "/logs"):
        answer = browser.client.get(path, base_url="https://panel.example.com", headers={"Host": host})
        assert answer.status_code < 500, path
