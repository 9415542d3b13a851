"""How long wrong sign-ins have to wait, and what counts as one address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.policy.attempts import LIMITS, blocked_until, network

LAST = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "failures", "minutes"),
    [
        ("pair", 0, None), ("pair", 4, None), ("pair", 5, 1), ("pair", 6, 2), ("pair", 7, 4), ("pair", 10, 32),
        ("pair", 11, 60), ("pair", 12, 60), ("pair", 10**9, 60),
        ("address", 19, None), ("address", 20, 1), ("address", 23, 8), ("address", 40, 60),
        ("name", 49, None), ("name", 50, 1), ("name", 53, 8), ("name", 54, 15), ("name", 10**6, 15),
    ],
)  # fmt: skip
def test_the_wait_grows_by_doubling_up_to_its_longest(kind: str, failures: int, minutes: int | None) -> None:
    expected = None if minutes is None else LAST + timedelta(minutes=minutes)
    assert blocked_until(kind, failures, LAST) == expected


def test_one_name_from_everywhere_waits_less_long_than_from_one_address() -> None:
    assert LIMITS["name"].longest < LIMITS["pair"].longest
    assert LIMITS["name"].free > LIMITS["address"].free > LIMITS["pair"].free


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_a_host_is_one_address_however_many_ipv6_gives_it(address: str, expected: str) -> None:
    assert network(address) == expected
