"""When failed work is tried again, and how often an order that hangs is asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.policy.retry import next_poll, next_try
from tests.fakes import NOW

DAYS_90 = timedelta(days=90)


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 10), (3, 100), (4, 1440), (50, 1440), (0, 1)]
)
def test_a_failure_is_tried_again_ever_later_and_then_daily(attempts: int, minutes: int) -> None:
    assert next_try(attempts, NOW, DAYS_90) == NOW + timedelta(minutes=minutes)


def test_what_only_a_person_can_change_is_tried_once_a_day() -> None:
    assert next_try(1, NOW, DAYS_90, permanent=True) == NOW + timedelta(days=1)


def test_never_later_than_a_tenth_of_the_lifetime() -> None:
    assert next_try(9, NOW, timedelta(hours=12)) == NOW + timedelta(minutes=72)
    assert next_try(1, NOW, timedelta(seconds=60)) == NOW + timedelta(seconds=6)
    assert next_try(1, NOW, timedelta(hours=12), permanent=True) == NOW + timedelta(minutes=72)


@pytest.mark.parametrize(
    ("age", "every"),
    [
        (timedelta(0), timedelta(minutes=5)),
        (timedelta(hours=23, minutes=59), timedelta(minutes=5)),
        (timedelta(days=1), timedelta(hours=1)),
        (timedelta(days=2), timedelta(days=1)),
        (timedelta(days=6, hours=23), timedelta(days=1)),
        (timedelta(days=7), None),
    ],
)
def test_an_order_is_asked_for_more_seldom_the_older_it_is_and_given_up_after_a_week(
    age: timedelta, every: timedelta | None
) -> None:
    assert next_poll(NOW - age, NOW) == (None if every is None else NOW + every)
