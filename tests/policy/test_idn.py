"""International names: Unicode beside the A-label, never instead of it."""

from __future__ import annotations

import pytest

from jobs.policy.idn import ascii_form, readable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("xn--mnchen-3ya.example", "münchen.example"),
        ("www.xn--mnchen-3ya.example", "www.münchen.example"),
        ("*.xn--mnchen-3ya.example", "*.münchen.example"),
        ("plain.example", ""),
        ("xn--.example", ""),
        ("xn--0.example", ""),
        ("xn--a-ecp.example", ""),  # decodes to what IDNA 2008 forbids
    ],
)
def test_a_name_reads_in_unicode_only_if_it_is_a_valid_international_one(name: str, shown: str) -> None:
    assert readable(name) == shown


@pytest.mark.parametrize(
    ("typed", "kept"), [("München.example", "xn--mnchen-3ya.example"), ("shop", "shop"), ("☃ and more", "☃ and more")]
)
def test_somebody_who_types_unicode_finds_the_name_that_is_kept(typed: str, kept: str) -> None:
    assert ascii_form(typed) == kept
