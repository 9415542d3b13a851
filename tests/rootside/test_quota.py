"""A stock that is used up, and comes back with time."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from jobs.rootside.quota import FewLines, Quota


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_had_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    quota = Quota(3, 10, clock)
    assert [quota.take() for _ in range(4)] == [0, 0, 0, 10]
    clock.now += 4
    assert quota.take() == 6
    clock.now += 6
    assert [quota.take(), quota.take()] == [0, 10]


def test_it_comes_back_to_its_burst_and_no_further() -> None:
    clock = Clock()
    quota = Quota(3, 10, clock)
    for _ in range(3):
        quota.take()
    clock.now += 10_000
    assert [quota.take() for _ in range(4)] == [0, 0, 0, 10]


def test_threads_get_no_more_than_there_is() -> None:
    quota, got = Quota(50, 1000.0), []

    def take() -> None:
        got.extend(quota.take() for _ in range(20))

    threads = [threading.Thread(target=take) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got.count(0) == 50


def test_lines_that_were_left_out_are_counted_in_the_next_one() -> None:
    clock = Clock()
    few = FewLines(Quota(2, 10, clock))

    def line(text: str) -> str | None:
        record = logging.LogRecord("x", logging.INFO, "f", 1, "%s", (text,), None)
        return record.getMessage() if few.filter(record) else None

    assert [line("a"), line("b"), line("c"), line("d")] == ["a", "b", None, None]
    clock.now += 10
    assert line("e %s") == "e %s (2 lines before this were left out)"
    clock.now += 10
    assert line("f") == "f"
