"""The same problem is not told again within seven days, unless it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.failure import LeftOff
from jobs.policy.notify import Event, Kind
from jobs.policy.notify_told import Told, content_of, is_news, is_reminder

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVENT = Event(
    Kind.DEFERRED, "website:a.example", "deferred", "words of today", "alice", "a.example",
    names=(LeftOff("www.a.example", "dns_nxdomain", "token 123"),),
)


@given(
    st.lists(st.timedeltas(timedelta(minutes=1), timedelta(days=2)), max_size=60), st.sampled_from(Kind),
    st.sampled_from(["ca_refused", "deferred"]),
)
def test_however_often_it_is_seen_it_is_told_once_a_week(pauses: list[timedelta], kind: Kind, code: str) -> None:
    event, told, times, at = replace(EVENT, kind=kind, code=code), None, [], NOW
    for number, pause in enumerate(pauses):
        at += pause
        seen = replace(event, detail=f"request {number}", retry_at=at)
        assert content_of(seen) == content_of(event)
        if is_news(told, at) or is_reminder([told] if told else [], at):
            told = Told(at)
            times.append(at)
    assert all(later - sooner >= timedelta(days=7) for sooner, later in pairwise(times))
    if pauses:
        assert times and at - times[-1] < timedelta(days=7), "and it is told again"


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": Kind.UNORDERED},
        {"code": "ca_refused"},
        {"names": (LeftOff("www.a.example", "http_status", "token 123"),)},
        {"names": (LeftOff("shop.a.example", "dns_nxdomain", "token 123"),)},
        {"names": ()},
    ],
)
def test_another_problem_is_told_at_once(changed: dict) -> None:
    assert content_of(replace(EVENT, **changed)) != content_of(EVENT) and is_news(None, NOW)


def test_other_words_names_in_another_order_and_another_date_are_the_same_problem() -> None:
    names = (LeftOff("b", "x", "1"), LeftOff("a", "y", "2"))
    one = replace(EVENT, names=names)
    other = replace(one, names=names[::-1], detail="other words", retry_at=NOW, ends_at=NOW, websites=7)
    assert content_of(one) == content_of(other)


def test_what_was_over_and_is_back_is_told_after_a_day() -> None:
    told = Told(NOW, gone=True)
    assert not is_news(told, NOW + timedelta(hours=23))
    assert is_news(told, NOW + timedelta(hours=25))


def test_somebody_is_reminded_a_week_after_the_last_shape_of_it_that_lasts() -> None:
    told = [Told(NOW), Told(NOW + timedelta(days=3)), Told(NOW + timedelta(days=9), gone=True)]
    assert not is_reminder(told, NOW + timedelta(days=9.9)) and is_reminder(told, NOW + timedelta(days=10))
    assert not is_reminder([], NOW) and not is_reminder([Told(NOW, gone=True)], NOW + timedelta(days=30))
