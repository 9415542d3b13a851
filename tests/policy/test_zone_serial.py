"""The next serial number is always a later one, in the style of the file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.zone_serial import is_later, next_serial

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
UNIX = int(NOW.timestamp())


@pytest.mark.parametrize(("present", "expected"), [
    (2026010100, 2026112500), (2026112500, 2026112501), (2026112407, 2026112500), (2026112599, 2026112600),
    (2026112603, 2026112604), (1999123101, 2026112500),
    (UNIX - 100, UNIX), (UNIX, UNIX + 1), (UNIX + 50, UNIX + 51), (UNIX - 9 * 365 * 86400, UNIX),
    (1, 2), (0, 1), (41, 42), (20261125, 20261126), (2026139901, 2026139902), (2030010100, 2030010101),
    (2**32 - 1, 1), (2**32 - 2, 2**32 - 1), (4000000000, 4000000001),
])
def test_it_goes_on_as_the_file_has_counted(present: int, expected: int) -> None:
    assert next_serial(present, NOW) == expected


@given(st.integers(0, 2**32 - 1), st.datetimes(datetime(2001, 9, 10), datetime(2105, 1, 1), timezones=st.just(UTC)))
def test_it_is_later_whatever_stood_there(present: int, now: datetime) -> None:
    number = next_serial(present, now)
    assert is_later(number, present) and 0 < number < 2**32


@pytest.mark.parametrize(("new", "old", "later"), [
    (1, 0, True), (0, 1, False), (5, 5, False), (0, 2**32 - 1, True), (2**31, 0, False), (2**31 - 1, 0, True),
])
def test_later_is_as_rfc_1982_says(new: int, old: int, later: bool) -> None:
    assert is_later(new, old) is later
