"""When failed work is tried again, and how often an order that hangs is asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.retry import next_poll, next_try
from tests.fakes import NOW


def with_left(left: timedelta, lifetime: timedelta = timedelta(days=90)) -> Certificate:
    """A certificate with so much of its lifetime left."""
    ends = NOW + left
    return Certificate(("a.test",), "1", "f", "CA", ends - lifetime, ends, False, "ecdsa-p256", False)


FRESH = with_left(timedelta(days=90))
HALF_A_DAY = with_left(timedelta(hours=12), timedelta(hours=12))
MINUTE = with_left(timedelta(seconds=60), timedelta(seconds=60))


@pytest.mark.parametrize("at_stake", [FRESH, None])
@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 10), (3, 100), (4, 1440), (50, 1440), (0, 1)]
)
def test_a_failure_is_tried_again_ever_later_and_then_daily(
    attempts: int, minutes: int, at_stake: Certificate | None
) -> None:
    assert next_try(attempts, NOW, at_stake) == NOW + timedelta(minutes=minutes)


def test_what_only_a_person_can_change_is_tried_once_a_day() -> None:
    assert next_try(1, NOW, FRESH, permanent=True) == NOW + timedelta(days=1)


def test_never_later_than_a_tenth_of_the_lifetime() -> None:
    assert next_try(9, NOW, HALF_A_DAY) == NOW + timedelta(minutes=72)
    assert next_try(1, NOW, MINUTE) == NOW + timedelta(seconds=6)
    assert next_try(1, NOW, HALF_A_DAY, permanent=True) == NOW + timedelta(minutes=72)


@pytest.mark.parametrize(
    ("left", "wait"),
    [
        (timedelta(days=10), timedelta(days=1)),
        (timedelta(days=5), timedelta(hours=12)),
        (timedelta(hours=10), timedelta(hours=1)),
        (timedelta(hours=3), timedelta(minutes=20)),
        (timedelta(minutes=1), timedelta(minutes=20)),
        (timedelta(0), timedelta(days=1)),
        (-timedelta(days=30), timedelta(days=1)),
    ],
)
def test_the_nearer_the_end_the_sooner_the_next_try_and_what_has_ended_is_not_chased(
    left: timedelta, wait: timedelta
) -> None:
    assert next_try(9, NOW, with_left(left)) == NOW + wait


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
@pytest.mark.parametrize("at_stake", [FRESH, None])
def test_an_order_is_asked_for_more_seldom_the_older_it_is_and_given_up_after_a_week(
    age: timedelta, every: timedelta | None, at_stake: Certificate | None
) -> None:
    assert next_poll(NOW - age, NOW, at_stake) == (None if every is None else NOW + every)


def test_an_order_for_a_short_lived_certificate_is_asked_for_and_given_up_in_time() -> None:
    renewed = with_left(timedelta(hours=6), timedelta(hours=12))
    assert next_poll(NOW, NOW, renewed) == NOW + timedelta(minutes=5)
    assert next_poll(NOW, NOW, with_left(timedelta(seconds=30), timedelta(seconds=60))) == NOW + timedelta(seconds=3)
    assert next_poll(NOW - timedelta(hours=4), NOW, renewed) is None
