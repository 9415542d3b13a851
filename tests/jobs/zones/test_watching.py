"""Name servers are watched for many orders at once by one thread, which is there only as long as an order waits."""

from __future__ import annotations

import asyncio
import threading
from contextlib import nullcontext
from functools import partial

import pytest

from jobs.courses import finish, finish_all
from jobs.zones.watching import Watching

MANY = 50


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "name-servers"]


def nobody_watches() -> None:
    """A thread that has nothing more to watch ends by itself."""
    for thread in watchers():
        thread.join(10)
    assert watchers() == []


def test_of_many_that_wait_all_are_watched_at_once_in_one_thread() -> None:
    begun: list[int] = []
    seen_in: set[int] = set()

    async def look(number: int) -> int:
        begun.append(number)
        seen_in.add(threading.get_ident())
        async with asyncio.timeout(30):
            while len(begun) < MANY:
                await asyncio.sleep(0)
        return number

    watching = Watching()
    courses = [partial(watching.until, partial(look, number)) for number in range(MANY)]
    assert finish_all(courses, 1, MANY, nullcontext) == list(range(MANY))
    assert len(seen_in) == 1 and seen_in != {threading.get_ident()}
    nobody_watches()


def test_what_a_look_raises_reaches_its_order_only() -> None:
    watching, go_on = Watching(), threading.Event()

    async def breaks() -> int:
        raise ValueError("a bug")

    async def ends() -> int:
        while not go_on.is_set():
            await asyncio.sleep(0)
        return 7

    other = watching.until(ends)
    next(other)
    with pytest.raises(ValueError, match="a bug"):
        finish(watching.until(breaks))
    go_on.set()
    assert finish(other) == 7
    nobody_watches()


def test_a_course_that_is_given_up_is_not_watched_any_more_and_the_others_are() -> None:
    watching, over, go_on = Watching(), threading.Event(), threading.Event()

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            over.set()

    async def waits() -> str:
        while not go_on.is_set():
            await asyncio.sleep(0)
        return "seen"

    given_up, kept = watching.until(hangs), watching.until(waits)
    next(given_up)
    next(kept)
    given_up.close()
    assert over.wait(10)
    go_on.set()
    assert finish(kept) == "seen"
    nobody_watches()


def test_one_that_is_given_up_before_it_was_begun_leaves_nothing() -> None:
    watching = Watching()

    async def hangs() -> None:
        await asyncio.Event().wait()

    for _ in range(MANY):
        course = watching.until(hangs)
        next(course)
        course.close()
    nobody_watches()
