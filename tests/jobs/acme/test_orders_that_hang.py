"""Orders and validations that a CA does not finish: polled for five minutes, parked, looked at now and then, and given
a certificate when the CA gets round to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.providers.protocol import polls
from tests.fault_proxy import Changes, FaultProxy, authorization_says, order_says
from tests.jobs.acme.client import Client
from tests.quick_time import QuickTime

PROCESSING = order_says(status="processing", certificate=None)


def hangs(proxy: FaultProxy, quick: QuickTime) -> None:
    """Every order that was finalized is processing for ever."""
    quick.flies_once(proxy.fault(PROCESSING, "finalize"))
    proxy.fault(Changes(lambda reply: PROCESSING.made(reply) if reply.json()["status"] == "valid" else reply), "order")


def test_an_order_that_is_processing_is_polled_ever_more_seldom_and_parked_after_five_minutes(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "processing.test")
    hangs(proxy, quick)
    began = datetime.now(UTC)
    pending = client.parked()
    assert pending.order_url == client.notes.urls[0] and "processing" in pending.answer
    assert pending.retry_at - began < timedelta(seconds=30), "when it is polled again is for the queue to say"
    assert 290 < sum(quick.flown) <= polls.LONGEST_WAIT and max(quick.flown) == polls.LONGEST_POLL
    assert proxy.asked["order"] < 80


def test_it_is_looked_at_for_a_minute_each_time_and_finished_in_the_end(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "processing-long.test")
    hangs(proxy, quick)
    client.parked()
    for _ in range(3):
        quick.flown.clear()
        client.parked()
        assert 50 < sum(quick.flown) <= polls.LOOK
    proxy.mends()
    client.bundle()
    assert proxy.done["newOrder"] == proxy.done["finalize"] == 1


def test_a_validation_that_is_pending_for_ever_is_parked_and_leaves_no_challenge(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "pending.test", "other.pending.test")
    quick.flies_once(proxy.fault(authorization_says("pending", {"status": "processing"}), "authz"))
    pending = client.parked()
    assert pending.answer.startswith("the validation of ") and pending.answer.endswith("pending.test is pending")
    assert sum(quick.flown) <= polls.LONGEST_WAIT
    proxy.mends()
    client.bundle()
    assert proxy.done["newOrder"] == 1


def with_retry_after(value: str, changes: Changes) -> Changes:
    def made(reply: Any) -> Any:
        found = changes.made(reply)
        return type(found)(found.status, found.body, {**found.headers, "Retry-After": value})

    return Changes(made)


def test_the_cas_own_time_between_polls_is_kept(proxy: FaultProxy, quick: QuickTime) -> None:
    client = Client(proxy, "own-time.test")
    proxy.fault(with_retry_after("17", PROCESSING), "finalize")
    proxy.fault(with_retry_after("17", PROCESSING), "order", times=3)
    client.bundle()
    assert sum(16 < wait <= 17 for wait in quick.slept) == 3, "finalize and two looks; one look was before it"


@pytest.mark.parametrize("value", ["0", "Wed, 25 Nov 2020 11:00:00 GMT", "-1", "soon"])
def test_a_time_that_has_passed_does_not_make_us_ask_without_end(
    proxy: FaultProxy, quick: QuickTime, value: str
) -> None:
    client = Client(proxy, "passed.test")
    quick.flies_once(proxy.fault(with_retry_after(value, PROCESSING), "finalize", "order"))
    client.parked()
    assert proxy.asked["order"] < 80


@pytest.mark.parametrize(("value", "days"), [("7200", 2 / 24), ("315360000", 1), ("Tue, 25 Nov 2036 11:00:00 GMT", 1)])
def test_a_long_time_parks_the_order_at_once_and_for_a_day_at_most(
    proxy: FaultProxy, quick: QuickTime, value: str, days: float
) -> None:
    client = Client(proxy, "long-time.test")
    proxy.fault(with_retry_after(value, PROCESSING), "finalize", "order")
    pending = client.parked()
    left = pending.retry_at - datetime.now(UTC)
    assert timedelta(days=days) - timedelta(seconds=30) < left <= timedelta(days=days)
    assert proxy.asked["order"] <= 3 and sum(quick.slept) < 10
