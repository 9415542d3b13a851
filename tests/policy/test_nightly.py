"""A nightly check that nobody was there to ask for is asked for once, and no other one is asked for twice."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from jobs.policy.nightly import missed

BERLIN = ZoneInfo("Europe/Berlin")
AT = time(3, 17)


def local(day: int, hour: int, minute: int = 0, month: int = 6) -> datetime:
    return as_the_host_says(datetime(2026, month, day, hour, minute, tzinfo=BERLIN))


def as_the_host_says(moment: datetime) -> datetime:
    """With the offset of that moment only, as `datetime.astimezone()` gives it."""
    there = moment.astimezone(BERLIN)
    return there.astimezone(timezone(there.utcoffset() or timedelta()))


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        (local(1, 3, 17), local(1, 12), False),
        (local(1, 3, 17), local(2, 3, 16), False),
        (local(1, 3, 17), local(2, 3, 18), False),  # the clock has its turn
        (local(1, 3, 17), local(2, 3, 23), True),
        (local(1, 3, 17), local(9, 1), True),  # off for a week, and on before the night
        (local(1, 10), local(2, 9), False),  # yesterday's was made good at ten
        (local(1, 10), local(2, 10, 1), True),
        (local(8, 3, 17), local(2, 12), False),  # the host's clock was set back
    ],
)
def test_only_a_night_that_passed_without_anybody_is_missed(last: datetime, now: datetime, expected: bool) -> None:
    assert missed(last, AT, now) is expected


def test_a_time_that_is_moved_makes_no_second_check_of_a_day() -> None:
    assert not missed(local(1, 3, 17), time(5, 0), local(1, 10))
    assert not missed(local(1, 3, 17), time(1, 0), local(1, 10))


@pytest.mark.parametrize("day", [28, 29, 30])
@pytest.mark.parametrize("month", [3, 10])
def test_a_night_in_which_the_clocks_change_is_not_missed_while_it_is_asked_for_in_time(month: int, day: int) -> None:
    """On 29 March and on 25 October 2026; the days beside them for comparison."""
    day -= 4 if month == 10 else 0
    last, following = local(day, 3, 17, month), local(day + 1, 3, 17, month)
    moment = last
    while moment < following:
        assert not missed(last.astimezone(UTC), AT, moment), moment
        moment = as_the_host_says(moment + timedelta(minutes=10))
    assert missed(last.astimezone(UTC), AT, as_the_host_says(following + timedelta(minutes=65)))
