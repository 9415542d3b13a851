"""When a session holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.policy.sessions import Limits, Visit, holds, same_browser

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LIMITS = Limits(timedelta(hours=2), timedelta(hours=12), bound=True)
LOOSE = Limits(timedelta(hours=2), timedelta(hours=12), bound=False)


@pytest.mark.parametrize(
    ("age", "unused", "complete", "expected"),
    [
        (0, 0, True, True), (60, 119, True, True), (60, 120, True, False), (719, 0, True, True), (720, 0, True, False),
        (9, 0, False, True), (10, 0, False, False),
    ],
)  # fmt: skip
def test_it_ends_by_idleness_by_age_and_half_way(age: int, unused: int, complete: bool, expected: bool) -> None:
    created, seen = NOW - timedelta(minutes=age), NOW - timedelta(minutes=unused)
    assert holds(LIMITS, created, seen, complete, NOW) is expected


@pytest.mark.parametrize(
    ("address", "agent", "bound", "loose"),
    [
        ("192.0.2.1", "Browser", True, True),
        ("192.0.2.2", "Browser", False, True),
        ("::ffff:192.0.2.1", "Browser", True, True),
        ("192.0.2.1", "Another", False, False),
        ("192.0.2.1", "", False, False),
    ],
)
def test_it_belongs_to_one_browser_and_if_bound_to_one_address(
    address: str, agent: str, bound: bool, loose: bool
) -> None:
    first, now = Visit("192.0.2.1", "Browser"), Visit(address, agent)
    assert same_browser(LIMITS, first, now) is bound
    assert same_browser(LOOSE, first, now) is loose


def test_an_ipv6_address_may_change_within_its_network() -> None:
    first = Visit("2001:db8::1", "Browser")
    assert same_browser(LIMITS, first, Visit("2001:db8::ffff:2", "Browser"))
    assert not same_browser(LIMITS, first, Visit("2001:db8:0:1::1", "Browser"))
