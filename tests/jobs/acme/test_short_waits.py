"""A CA that asks for some seconds, or loses an answer: each order waits for itself, and none of them in a thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from functools import partial

import pytest

from jobs.courses import Waits, finish, finish_all
from jobs.policy.certificate import Bundle
from jobs.ports import Pending
from jobs.provider_pause import InARow, Paused, unless_down
from jobs.providers.protocol.polls import LEFT_STANDING
from jobs.providers.protocol.problem import Refused
from tests.fakes import NOW
from tests.fault_proxy import Cuts, Fault, FaultProxy, Says, What
from tests.jobs.acme.client import Client, Notes, request, solvers
from tests.quick_time import QuickTime

MANY = 20
WAITS: dict[str, tuple[What, float]] = {
    "busy for seconds": (Says(503, retry_after=9), 9.0),
    "too many for seconds": (Says(429, "rateLimited", retry_after=9), 9.0),
    "an error": (Says(500), 0.25),
    "no answer": (Cuts(), 0.25),
}

Ordering = Waits[Bundle | Pending]


def orders(client: Client) -> list[Ordering]:
    """Of one provider, none of them begun."""
    asked = [request(f"w{number}.test") for number in range(MANY)]
    return [client.provider.issue(each, solvers(client.proxy.pebble), Notes()) for each in asked]


def seconds_at(fault: Fault, course: Ordering) -> float:
    """The seconds that the order is to wait once it has met the fault."""
    before = fault.met
    while True:
        seconds = next(course)
        if fault.met > before:
            return seconds
        time.sleep(min(seconds, 0.02))  # for the CA, which looks meanwhile


def issued(courses: Sequence[Ordering]) -> int:
    return sum(isinstance(finish(course), Bundle) for course in courses)


@pytest.mark.parametrize("why", WAITS)
@pytest.mark.parametrize("kind", ["newNonce", "newOrder", "authz", "challenge", "order", "finalize", "certificate"])
def test_of_many_orders_each_asks_once_and_waits_before_the_first_asks_again(
    proxy: FaultProxy, quick: QuickTime, kind: str, why: str
) -> None:
    client, (what, seconds) = Client(proxy), WAITS[why]
    courses, fault = orders(client), proxy.fault(what, kind)
    assert [seconds_at(fault, course) for course in courses] == [seconds] * MANY
    assert (fault.met, proxy.done["certificate"]) == (MANY, 0)
    proxy.mends()
    assert (issued(courses), proxy.done["newOrder"]) == (MANY, MANY)


def test_an_order_whose_wait_is_given_up_leaves_no_answer_standing(proxy: FaultProxy, quick: QuickTime) -> None:
    courses, fault = orders(Client(proxy)), proxy.fault(Says(503, retry_after=9), "challenge")
    seconds_at(fault, courses[0])
    assert len(list(proxy.pebble.challenges.iterdir())) == 1
    courses[0].close()
    assert list(proxy.pebble.challenges.iterdir()) == []


def test_the_directory_is_asked_for_by_one_order_and_waited_for_by_the_others(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    courses = orders(Client(proxy))
    proxy.fault(Cuts(), "directory")
    assert [next(course) > 0 for course in courses] == [True] * MANY
    assert proxy.asked["directory"] == 1
    proxy.mends()
    assert (issued(courses), proxy.asked["directory"]) == (MANY, 2)


def test_one_worker_gets_all_of_them_through_a_directory_that_is_lost_twice(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy)
    proxy.fault(Cuts(), "directory", times=2)
    begin = [partial(lambda course: course, course) for course in orders(client)]
    found = finish_all(begin, 1, MANY, nullcontext)
    assert all(isinstance(one, Bundle) for one in found) and proxy.asked["directory"] == 3


def test_an_order_that_is_given_up_while_it_fetches_the_directory_leaves_that_to_the_next(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    first, second, *_ = orders(Client(proxy))
    proxy.fault(Cuts(), "directory", times=1)
    next(first)
    next(second)
    first.close()
    assert issued([second]) == 1


def test_who_is_no_order_does_not_wait_for_one_that_fetches_the_directory(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    """They may share a thread: an account that is gone is looked for in the middle of an order."""
    client = Client(proxy)
    proxy.fault(Cuts(), "directory", times=1)
    course = orders(client)[0]
    next(course)
    assert client.provider.find() == client.account.url
    assert issued([course]) == 1


def test_an_order_that_is_told_that_its_ca_is_down_asks_no_more_and_leaves_its_answer_for_a_while(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    """The CA was told to look, and may do so although it can't be asked."""
    row, course = InARow(), orders(Client(proxy))[0]
    told = unless_down(course, row, lambda: NOW)
    seconds_at(proxy.fault(Says(503, retry_after=9), "order", times=1), told)
    row.down = Paused("ca_unavailable", "not before then", NOW + timedelta(hours=1), of_provider=True)
    asked = dict(proxy.asked)
    assert next(told) == LEFT_STANDING and len(list(proxy.pebble.challenges.iterdir())) == 1
    with pytest.raises(Paused):
        next(told)
    assert dict(proxy.asked) == asked and list(proxy.pebble.challenges.iterdir()) == []


def test_an_order_that_has_found_its_ca_down_itself_is_told_nothing_more(proxy: FaultProxy, quick: QuickTime) -> None:
    row, course = InARow(), orders(Client(proxy))[0]
    told = unless_down(course, row, lambda: NOW)
    fault = proxy.fault(Says(503, "serverInternal", "own words", retry_after=3600), "order")
    assert seconds_at(fault, told) == LEFT_STANDING
    row.down = Paused("ca_unavailable", "not before then", NOW + timedelta(hours=1), of_provider=True)
    with pytest.raises(Refused, match="own words"):
        next(told)
