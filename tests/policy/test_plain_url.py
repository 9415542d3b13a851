"""Which URLs of strangers are plain enough to be shown as a link, or asked."""

from __future__ import annotations

import pytest

from jobs.policy.plain_url import is_plain


@pytest.mark.parametrize("url", ["http://a.example", "https://a.example:8443/x?y=%20#z", "http://[2001:db8::1]:80/"])
def test_a_plain_one_passes(url: str) -> None:
    assert is_plain(url, ("http", "https"), 100)


@pytest.mark.parametrize(
    "url",
    ["", "http://", "ftp://a.example", "javascript:alert(1)", "http://me@a.example", "http://a.example:0/",
     "http://a.example:99999/", "http://[::1", "http://a.example/ x", "http://a.example/\n", "http://a.example/<b>",
     'http://a.example/"x', "http://\u0430.example", "http://a.example/" + "x" * 100],
)
def test_any_other_does_not(url: str) -> None:
    assert not is_plain(url, ("http", "https"), 100)


def test_only_the_schemes_that_are_asked_for_pass() -> None:
    assert not is_plain("https://a.example/", ("http",), 100)
