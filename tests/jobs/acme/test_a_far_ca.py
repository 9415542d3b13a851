"""An order's names are asked for at once where the CA is far, and one after the other where it is near; either way what
has to wait holds no thread."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence

import pytest

from jobs.courses import Waits, finish
from jobs.providers.protocol import authorizing
from jobs.providers.protocol.authorizing import AT_ONCE, at_once

FAR, NEAR = 0.0, float("inf")  # however busy this machine is


def courses(*calls: Callable[[], int]) -> list[Waits[int]]:
    def course(call: Callable[[], int]) -> Waits[int]:
        yield from ()
        return call()

    return [course(call) for call in calls]


def waits(number: int, *seconds: float) -> Waits[int]:
    yield from seconds
    return number


def steps(under_way: Sequence[Waits[int]]) -> tuple[list[float], list[int]]:
    """The waits of all together, none of which takes any time, and what came of it."""
    course, waited = at_once(under_way), []
    while True:
        try:
            waited.append(next(course))
        except StopIteration as ended:
            return waited, ended.value


def test_of_a_far_ca_several_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorizing, "FAR", FAR)
    meeting = threading.Barrier(AT_ONCE, timeout=5)
    asked = courses(lambda: 0, *([lambda: meeting.wait() * 0 + 1] * AT_ONCE))
    assert finish(at_once(asked)) == [0, *[1] * AT_ONCE]


def test_of_a_near_ca_one_is_asked_after_the_other_in_this_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorizing, "FAR", NEAR)
    assert set(finish(at_once(courses(*[threading.get_ident] * 5)))) == {threading.get_ident()}


@pytest.mark.parametrize("far", [FAR, NEAR], ids=["far", "near"])
def test_what_was_asked_first_is_answered_first_whoever_has_to_wait(
    monkeypatch: pytest.MonkeyPatch, far: float
) -> None:
    monkeypatch.setattr(authorizing, "FAR", far)
    assert steps([waits(number, *[1.0] * (number % 3)) for number in range(20)])[1] == list(range(20))


def test_of_a_far_ca_those_that_wait_do_so_together_until_the_last_of_them_may_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(authorizing, "FAR", FAR)
    under_way = [waits(0), waits(1, 1.0, 3.0), waits(2), waits(3, 2.0)]
    assert steps(under_way) == ([2.0, 3.0], [0, 1, 2, 3])


def test_while_they_wait_there_is_no_thread_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorizing, "FAR", FAR)
    before = threading.active_count()
    course = at_once([waits(number, 1.0) for number in range(5)])
    next(course)
    next(course)
    assert threading.active_count() == before
    course.close()


@pytest.mark.parametrize("far", [FAR, NEAR], ids=["far", "near"])
def test_what_one_raises_ends_all_of_them(monkeypatch: pytest.MonkeyPatch, far: float) -> None:
    monkeypatch.setattr(authorizing, "FAR", far)

    def breaks() -> int:
        raise ValueError("the second")

    under_way = [*courses(lambda: 0, breaks), waits(2, 1.0), waits(3, 1.0)]
    with pytest.raises(ValueError, match="the second"):
        finish(at_once(under_way))
    assert inspect.GEN_SUSPENDED not in [inspect.getgeneratorstate(course) for course in under_way]


def test_nothing_to_ask_is_nothing() -> None:
    assert finish(at_once([])) == []
