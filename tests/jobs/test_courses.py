"""Work that waits holds no thread, and what was begun is finished."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import pytest

from jobs import visitors
from jobs.busy import Busy
from jobs.courses import FEW, Waits, finish, finish_all


def test_a_hundred_that_wait_need_one_worker_and_one_wait() -> None:
    waiting, most = set(), []

    def course(number: int) -> Waits[int]:
        waiting.add(number)
        most.append(len(waiting))
        yield 0.5
        waiting.remove(number)
        return number

    assert finish_all([partial(course, number) for number in range(100)], 1, 200, nullcontext) == list(range(100))
    assert max(most) == 100


def test_no_more_are_under_way_than_allowed() -> None:
    under_way, most = [0], [0]

    def course() -> Waits[None]:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        yield 0.01
        under_way[0] -= 1

    finish_all([course] * 20, 1, 3, nullcontext)
    assert most == [3]


def test_a_course_is_never_in_two_threads_at_once() -> None:
    trouble = []

    def course() -> Waits[None]:
        held = threading.Lock()
        for _ in range(50):
            if not held.acquire(blocking=False):
                trouble.append("two at once")
            held.release()
            yield 0.0

    finish_all([course] * 40, 8, 40, nullcontext)
    assert trouble == []


def test_what_was_begun_is_finished_before_a_failure_is_told_and_nothing_more_is_begun() -> None:
    told: list[str] = []

    def fails() -> Waits[None]:
        yield 0.01
        raise ValueError("a bug")

    def ends(name: str) -> Waits[None]:
        yield 0.05
        told.append(name)

    with pytest.raises(ValueError, match="a bug"):
        finish_all([fails, partial(ends, "begun"), partial(ends, "not begun")], 1, 2, nullcontext)
    assert told == ["begun"]


def test_a_pause_between_beginnings_is_kept_and_holds_nobody_up_that_was_begun() -> None:
    order: list[str] = []
    pauses = iter([0.0, 0.1, 0.0])

    def course(name: str) -> Waits[None]:
        order.append(f"{name} begins")
        yield 0.01
        order.append(f"{name} ends")

    finish_all([partial(course, "a"), partial(course, "b")], 1, 2, nullcontext, lambda: next(pauses))
    assert order == ["a begins", "a ends", "b begins", "b ends"]


def test_a_pause_that_can_not_be_told_lets_what_was_begun_end() -> None:
    told: list[str] = []
    pauses = iter([0.0])

    def course() -> Waits[None]:
        yield 0.02
        told.append("ended")

    def pause() -> float:
        for seconds in pauses:
            return seconds
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        finish_all([course] * 3, 1, 3, nullcontext, pause)
    assert told == ["ended"]


def test_each_worker_runs_inside_what_it_is_given() -> None:
    inside = threading.local()

    @contextmanager
    def around() -> Iterator[None]:
        inside.here = True
        yield
        inside.here = False

    def course() -> Waits[bool]:
        before = getattr(inside, "here", False)
        yield 0.0
        return before and getattr(inside, "here", False)

    assert finish_all([course] * 10, 3, 10, around) == [True] * 10


def test_a_worker_that_can_not_begin_says_so() -> None:
    def broken() -> Callable[[], object]:
        raise OSError("no database")

    with pytest.raises(OSError, match="no database"):
        finish_all([lambda: iter_of(1)], 1, 1, broken)  # type: ignore[arg-type]


def iter_of(value: int) -> Waits[int]:
    yield 0.0
    return value


def test_one_course_is_finished_in_this_thread() -> None:
    assert finish(iter_of(7)) == 7


def at_once(rounds: int, workers: int, together: int) -> int:
    """The most workers that were in a step at the same time; each step waits for `together` of them."""
    turn, inside, most = threading.Lock(), [0], [0]
    meeting = threading.Barrier(together, timeout=20)

    def course() -> Waits[None]:
        with turn:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        meeting.wait()
        with turn:
            inside[0] -= 1
        yield 0.0

    finish_all([course] * rounds, workers, rounds, nullcontext)
    return most[0]


def test_all_workers_go_on_where_they_wait_for_answers() -> None:
    assert at_once(rounds=32, workers=8, together=8) == 8


def test_a_few_go_on_where_the_process_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Busy, "full", lambda self: True)
    assert at_once(rounds=32, workers=8, together=FEW) == FEW


@pytest.fixture
def somebody_waits() -> Iterator[None]:
    visitors.came()
    yield
    visitors.went()


@pytest.mark.usefixtures("somebody_waits")
def test_one_goes_on_in_a_busy_process_while_somebody_waits_for_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Busy, "full", lambda self: True)
    assert at_once(rounds=8, workers=8, together=1) == 1


@pytest.mark.usefixtures("somebody_waits")
def test_all_go_on_that_wait_for_a_ca_whoever_asks_for_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Busy, "full", lambda self: False)
    assert at_once(rounds=32, workers=8, together=8) == 8


def test_a_process_is_busy_where_it_used_nearly_a_processor_in_the_last_window() -> None:
    moment, used = [0.0], [0.0]
    busy = Busy(lambda: moment[0], lambda: used[0])
    found = []
    for seconds, cpu in ((0.05, 0.05), (0.05, 0.05), (0.05, 0.0), (0.05, 0.02), (0.2, 0.19)):
        moment[0] += seconds
        used[0] += cpu
        found.append(busy.full())
    assert found == [False, True, True, False, True]
