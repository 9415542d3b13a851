"""How long a provider is left in peace: as long as it says, within reason, and ever longer where it says nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.policy.proof import read_certificate
from jobs.policy.provider_pause import LONGEST, LONGEST_PAUSE, obeyed, pause_until
from tests.fakes import NOW, TestCA

QUARTER = timedelta(days=90)


@pytest.mark.parametrize(
    ("named", "wait"),
    [
        (timedelta(hours=3), timedelta(hours=3)),
        (timedelta(seconds=5), timedelta(minutes=1)),
        (timedelta(hours=-3), timedelta(minutes=1)),
        (timedelta(days=3650), timedelta(days=1)),
    ],
)
def test_the_time_that_a_ca_names_is_kept_between_a_minute_and_a_day(named: timedelta, wait: timedelta) -> None:
    for step in (1, 9):
        assert pause_until(NOW + named, step, NOW, QUARTER) == NOW + wait


def test_without_a_time_the_pauses_grow_to_100_minutes() -> None:
    waits = [pause_until(None, step, NOW, QUARTER) - NOW for step in (1, 2, 3, 4, 50)]
    assert waits == [timedelta(minutes=minutes) for minutes in (1, 10, 100, 100, 100)]


def test_what_only_a_person_can_change_is_tried_daily() -> None:
    assert pause_until(None, 1, NOW, QUARTER, permanent=True) == NOW + timedelta(days=1)


@pytest.mark.parametrize("whole", [timedelta(hours=160), timedelta(days=6), timedelta(hours=1)])
def test_no_pause_is_longer_than_a_tenth_of_the_shortest_lifetime(whole: timedelta) -> None:
    for named, permanent in ((NOW + timedelta(days=30), False), (None, True), (None, False)):
        assert pause_until(named, 9, NOW, whole, permanent=permanent) <= NOW + whole / 10
    renewing = whole / 2 if whole < timedelta(days=10) else whole / 3
    assert renewing / (whole / 10) >= 3, "so that there are three tries between due and expired at least"


def certificate(whole: timedelta, left: timedelta):  # type: ignore[no-untyped-def]
    return read_certificate(TestCA().bundle(("a.test",), NOW + left - whole, whole).leaf)


@pytest.mark.parametrize(
    ("named", "whole", "left", "wait"),
    [
        (timedelta(hours=34), QUARTER, timedelta(days=30), timedelta(hours=34)),
        (timedelta(days=3650), QUARTER, timedelta(days=30), LONGEST),
        (timedelta(days=3650), QUARTER, timedelta(days=2), timedelta(days=1)),
        (timedelta(hours=34), timedelta(hours=160), timedelta(hours=80), timedelta(hours=16)),
        (timedelta(hours=34), timedelta(hours=160), timedelta(hours=6), timedelta(hours=3)),
        (timedelta(hours=34), QUARTER, timedelta(days=-1), timedelta(hours=34)),
    ],
)
def test_a_limit_of_one_website_is_kept_as_long_as_its_certificate_bears_it(
    named: timedelta, whole: timedelta, left: timedelta, wait: timedelta
) -> None:
    assert obeyed(NOW + named, NOW, certificate(whole, left)) == NOW + wait


def test_without_a_certificate_it_is_kept_for_a_week_at_most() -> None:
    assert obeyed(NOW + timedelta(days=3650), NOW, None) == NOW + LONGEST
    assert LONGEST_PAUSE < LONGEST
