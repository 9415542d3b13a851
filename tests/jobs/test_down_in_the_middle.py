"""A CA that goes down while many orders wait for it is asked by one of them; the others leave it in peace, and their
orders are gone on with after its pause."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import models
from jobs import provider_pause
from jobs.check import check as run_steps
from jobs.courses import Waits
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.ports import OrderRequest
from jobs.provider_pause import InARow, Paused, unless_down
from jobs.report import Case
from jobs.wiring import accounts
from jobs.world import Scope
from tests.fakes import NOW
from tests.jobs.check_host import Host, host

__all__ = ["host"]

NAMES = ("a.test", *(f"b{number}.test" for number in range(9)))
LATER = NOW + timedelta(hours=3)
DOWN = Failure("ca_unavailable", "asking for the order: the CA answered HTTP 503", LATER, of_provider=True)
LIMIT = Failure("ca_rate_limited", "ordering: the CA answered rateLimited: too many orders", LATER, of_provider=True)


class Waiting:
    """Ten websites, and a CA that has all of their orders before it is asked for the first again: by then it says
    `answer`. `asked` are those that asked."""

    def __init__(self, host: Host) -> None:
        self.host, self.asked, self.made = host, [], []
        self.answer: Failure | None = None
        self.resumed: list[str] = []
        models.Provider.create(name="ca", plugin="custom", current=True, added_at=NOW)
        for name in NAMES[1:]:
            accounts.add(host.instance, name[:2], None, "default", [name], None)
        host.ca.issue, host.ca.resume = self.issue, self.resume  # type: ignore[method-assign, assignment]

    def issue(self, request: OrderRequest, solvers: Any, journal: Any) -> Waits[Bundle]:
        journal.order_created(f"https://ca.test/order/{request.names[0]}")
        self.made.append(request.names[0])
        while len(self.made) < len(NAMES):
            yield 0.2
        yield 0.0
        self.asked.append(request.names[0])
        if self.answer is not None and request.names[0] == self.asked[0]:
            raise self.answer
        return self.host.ca.ca.bundle(request.names)

    def resume(self, url: str, request: OrderRequest, solvers: Any) -> Waits[Bundle]:
        self.resumed.append(url)
        yield 0.0
        return self.host.ca.ca.bundle(request.names)

    def check(self) -> dict[str, Case]:
        """By one worker, whose steps are the same each time."""
        world = self.host.world([self.host.service])
        config = replace(world.config, check=replace(world.config.check, concurrency=1))
        self.host.pass_by(seconds=1)
        return {case.website.main: case for case in run_steps(replace(world, config=config), Scope())}


@pytest.fixture
def ca(host: Host) -> Iterator[Waiting]:
    yield Waiting(host)


def test_one_order_asks_and_the_others_are_gone_on_with_after_the_pause(ca: Waiting) -> None:
    ca.answer = DOWN
    cases = ca.check()
    assert (sorted(ca.made), len(ca.asked)) == (sorted(NAMES), 1)
    assert {(case.outcome, case.failure and case.failure.code) for case in cases.values()} == {
        ("failed", "ca_unavailable")
    }
    assert {(row.state, row.run_after) for row in ca.host.rows()} == {("waiting", LATER)}
    assert len(ca.host.keys()) == len(NAMES)
    for name, case in cases.items():
        own = name == ca.asked[0]
        assert case.failure is not None and ("HTTP 503" in case.failure.detail) == own
    ca.host.at = LATER
    assert {case.outcome for case in ca.check().values()} == {"installed"}
    assert sorted(ca.resumed) == sorted(f"https://ca.test/order/{name}" for name in NAMES)
    assert len(ca.made) == len(NAMES), "none of them was made twice"


def test_a_limit_for_new_orders_keeps_none_from_its_certificate_that_is_under_way(ca: Waiting) -> None:
    ca.answer = LIMIT
    outcomes = sorted(case.outcome for case in ca.check().values())
    assert outcomes == ["failed", *["installed"] * (len(NAMES) - 1)]


def test_what_a_ca_that_works_is_asked_for_comes_to_its_end(ca: Waiting) -> None:
    assert {case.outcome for case in ca.check().values()} == {"installed"}
    assert len(ca.asked) == len(NAMES)


def paused(until_hours: float = 1) -> InARow:
    row = InARow()
    row.down = Paused("ca_unreachable", "not before then", NOW + timedelta(hours=until_hours), of_provider=True)
    return row


def stubborn(heard: list[Failure]) -> Waits[str]:
    """Goes on for two steps whatever it is told."""
    for _ in range(3):
        try:
            yield 1.0
        except Failure as failure:
            heard.append(failure)
    return "ended"


def run(course: Waits[str]) -> tuple[int, str]:
    """How many waits it took, and what came of it."""
    waits = 0
    while True:
        try:
            next(course)
        except StopIteration as ended:
            return waits, ended.value
        waits += 1


def test_a_course_is_told_once_and_has_the_waits_that_it_wants_after_that() -> None:
    heard: list[Failure] = []
    assert run(unless_down(stubborn(heard), paused(), lambda: NOW)) == (3, "ended")
    assert [failure.code for failure in heard] == ["ca_unreachable"]


@pytest.mark.parametrize("row", [InARow(), paused(-1)], ids=["never down", "its pause is over"])
def test_a_course_is_told_nothing_while_there_is_no_pause(row: InARow) -> None:
    heard: list[Failure] = []
    assert run(unless_down(stubborn(heard), row, lambda: NOW)) == (3, "ended")
    assert heard == []


def test_a_course_that_does_not_wait_and_one_that_is_given_up_end_as_without() -> None:
    def at_once() -> Waits[str]:
        yield from ()
        return "at once"

    assert run(unless_down(at_once(), paused(), lambda: NOW)) == (0, "at once")
    course = stubborn([])
    outer = unless_down(course, InARow(), lambda: NOW)
    next(outer)
    outer.close()
    assert inspect.getgeneratorstate(course) == inspect.GEN_CLOSED


def test_a_run_that_gets_an_answer_later_does_not_tell_anybody_any_more(ca: Waiting) -> None:
    row = InARow()
    provider_pause.failed("ca", DOWN, None, NOW, NOW, row)
    assert row.down is not None and row.down.retry_at == LATER and "503" not in row.down.detail
    provider_pause.answered("ca", NOW, NOW, row)
    assert row.down is not None, "what was asked before it says nothing"
    provider_pause.answered("ca", NOW + timedelta(seconds=1), NOW + timedelta(seconds=2), row)
    assert row.down is None
