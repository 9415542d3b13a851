"""Another website shows the panel in a frame, or has its own script, style or form action in a page of the panel."""

from __future__ import annotations

import re

import pytest

from tests.attacks.raw_requests import Target
from tests.panel.browser import Browser
from tests.panel.test_roles import ALL, Route

PAGES = [one for one in ALL if one.method == "GET" and not one.samples and not one.endpoint.startswith("api.")]
INLINE = re.compile(
    r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|\shx-on|javascript:|<iframe|<object|<embed|<base"
)


@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.rule)
def test_no_page_is_shown_in_a_frame_nor_needs_what_the_policy_forbids(
    browser: Browser, route: Route
) -> None:
    browser.sign_in()
    answer = browser.get(route.path(""))
    assert answer.headers["X-Frame-Options"] == "DENY"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["frame-ancestors"] == policy["default-src"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    if answer.mimetype == "text/html":
        assert not INLINE.search(answer.text)


@pytest.mark.parametrize("path", ["/static/autossl.css", "/static/vendor/htmx.min.js", "/static/icon.svg", "/nowhere"])
def test_nor_is_a_file_or_an_error(panel: Target, path: str) -> None:
    headers = panel.get(path).headers
    assert headers["X-Frame-Options"] == "DENY" and headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
