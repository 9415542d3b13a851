"""Addresses that a link, a form or htmx brings along lead to a page of this panel, or nowhere."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.attacks.raw_requests import Target
from tests.panel.browser import HTTPS, Browser

ELSEWHERE = [
    "https://evil.example/", "http://evil.example", "//evil.example", "///evil.example", "////evil.example/x",
    "/\\evil.example", "\\\\evil.example", "/\\/evil.example", "\\/evil.example", "https:evil.example",
    "https:/evil.example",
    "/\t/evil.example", "/\r\n/evil.example", "/\x00/evil.example", " //evil.example", "javascript:alert(1)",
    "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "/%09/evil.example", "/x\r\nSet-Cookie: a=b",
    "https://panel.example.com@evil.example/", "https://panel.example.com.evil.example/",
    "//panel.example.com@evil.example",
    "https://panel.example.com:443@evil.example/", "/\u2028/evil.example", "http://[", "/\u202eevil.example",
]
HTMX = {"HX-Request": "true"}


def harmless(target: str) -> bool:
    """Whether a browser that is sent there stays on this panel: one slash, then no second one, and nothing hidden."""
    return target[:1] == "/" and target[1:2] not in ("/", "\\") and target.isprintable() and "\\" not in target


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_sign_in_leads_to_a_page_of_this_panel(browser: Browser, where: str) -> None:
    answer = browser.sign_in(next=where)
    assert answer.status_code == 303 and harmless(answer.headers["Location"])


@pytest.mark.parametrize("where", ELSEWHERE)
def test_the_login_form_carries_no_address_of_elsewhere_along(browser: Browser, where: str) -> None:
    page = browser.get(f"/login?next={quote(where)}").text
    carried = page.partition('name="next" value="')[2].partition('"')[0]
    assert not carried or harmless(carried)


@pytest.mark.parametrize("name", ["Referer", "HX-Current-URL"])
@pytest.mark.parametrize("where", [one for one in ELSEWHERE if one.isascii() and one.isprintable()])
def test_an_ended_session_leads_back_to_this_panel_only(browser: Browser, name: str, where: str) -> None:
    answer = browser.get("/logs", headers={**HTMX, name: where})
    assert answer.headers["HX-Redirect"].startswith("/login")
    assert "evil" not in answer.headers["HX-Redirect"] or harmless(answer.headers["HX-Redirect"])
    browser.sign_in()
    data = {"csrf_token": browser.token("/security")}
    answer = browser.client.post("/running/stop", base_url=HTTPS, data=data, headers={"Referer": where})
    assert answer.status_code in (303, 404, 409)
    assert harmless(answer.headers.get("Location", "/"))


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/%2e%2e", "/%2f/evil.example", "/\\evil.example",
                                  "/logs//evil.example", "/.//evil.example", "/login//", "//login"])
def test_a_path_with_two_slashes_is_not_tidied_into_another_host(panel: Target, path: str) -> None:
    answer = panel.get(path)
    assert harmless(answer.headers.get("Location", "/")), answer.headers["Location"]


@pytest.mark.parametrize(
    "text", ["%0d%0aSet-Cookie:%20a=b", "%0aLocation:%20https://evil.example", "%E5%98%8A%E5%98%8D", "%00"]
)
@pytest.mark.parametrize("path", ["/login?next=/{}", "/logs?q={}", "/users?sort={}", "/{}", "/setup/{}", "/logs/{}"])
def test_no_line_end_of_an_address_gets_into_a_header(panel: Target, path: str, text: str) -> None:
    answer = panel.get(path.format(text))
    assert answer.status < 500
    assert "a=b" not in str(answer.headers.get_all("Set-Cookie"))
    assert harmless(answer.headers.get("Location", "/"))
