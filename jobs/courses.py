"""Work that waits without holding a thread: orders, above all, while a CA looks at the answers to its challenges.

A course is a generator. It goes on by itself until there is nothing to do but wait, and then yields the seconds for
which there is not. Whoever drives it may go on with it in another thread; it never runs in two at once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from heapq import heappop, heappush
from typing import Generic, TypeVar

from jobs import visitors
from jobs.busy import WINDOW, Busy

FEW = 2
"""Workers that go on with courses where the process has a processor's worth to do already: more of them would make no
course quicker, and everybody else in the process, the panel's pages above all, waits for each of them in turn. Where a
CA is far, workers wait for its answers and all of them work."""

A_PAGE = 0.01
"""Seconds after which it is looked again whether somebody still waits for a page."""

T = TypeVar("T")
Waits = Generator[float, None, T]
"""A step that may have to wait: it yields the seconds, and returns what came of it."""


def finish(course: Waits[T]) -> T:
    """One course from here to its end, in this thread. Raises what it raises."""
    while True:
        try:
            time.sleep(next(course))
        except StopIteration as ended:
            result: T = ended.value
            return result


def finish_all(
    begin: Sequence[Callable[[], Waits[T]]],
    workers: int,
    under_way: int,
    around: Callable[[], AbstractContextManager[object]],
    pause: Callable[[], float] = lambda: 0.0,
) -> list[T]:
    """All of these courses, in their order as far as they are begun: at most `under_way` of them at once, by so many
    `workers`, threads each of which runs inside `around()`. `pause`: the seconds until one more may be begun.

    Those that were begun are finished in any case; then the first exception is raised that one of them raised.
    """
    crew = _Crew(begin, under_way, pause)
    threads = [
        threading.Thread(target=crew.work, args=(around,), name=f"course-{number}")
        for number in range(min(workers, len(begin)))
    ]
    started: list[threading.Thread] = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
        for thread in started:
            thread.join()
    except BaseException:
        crew.begin_no_more()
        for thread in started:
            thread.join()
        raise
    return crew.results()


class _Crew(Generic[T]):
    """What the workers share."""

    def __init__(
        self, begin: Sequence[Callable[[], Waits[T]]], under_way: int, pause: Callable[[], float]
    ) -> None:
        self._turn = threading.Condition()
        self._fresh = deque(enumerate(begin))
        self._waiting: list[tuple[float, int, Waits[T]]] = []
        """By the moment, of the monotonic clock, at which each goes on."""
        self._under_way, self._most, self._pause = 0, under_way, pause
        self._next_begin = 0.0
        self._at_work, self._busy = 0, Busy()
        self._found: dict[int, T] = {}
        self._raised: BaseException | None = None

    def work(self, around: Callable[[], AbstractContextManager[object]]) -> None:
        try:
            with around():
                while (task := self._next()) is not None:
                    self._go_on(*task)
        except BaseException as error:  # noqa: BLE001 told to who waits for all
            self.begin_no_more(error)

    def begin_no_more(self, error: BaseException | None = None) -> None:
        with self._turn:
            self._raised = self._raised or error
            self._fresh.clear()
            self._turn.notify_all()

    def results(self) -> list[T]:
        if self._raised is not None:
            raise self._raised
        return [self._found[number] for number in sorted(self._found)]

    def _next(self) -> tuple[int, Waits[T]] | None:
        """What is to be gone on with now, before what is to be begun; waits for it. None: there is no more."""
        with self._turn:
            while self._fresh or self._under_way:
                now = time.monotonic()
                enough_for = self._enough_for()
                if enough_for:
                    self._turn.wait(enough_for)
                    continue
                task = self._task(now)
                if task is not None:
                    self._at_work += 1
                    return task
                self._turn.wait(self._until(now))
            return None

    def _enough_for(self) -> float:
        """For how many seconds no more workers are to go on than do already: only where the processor is what they wait
        for. One goes on in any case, so that whoever asks for page after page stops no run."""
        if not self._at_work or not self._busy.full():
            return 0.0
        if visitors.anybody():
            return A_PAGE
        return WINDOW if self._at_work >= FEW else 0.0

    def _task(self, now: float) -> tuple[int, Waits[T]] | None:
        if self._waiting and self._waiting[0][0] <= now:
            _, number, course = heappop(self._waiting)
            return number, course
        if self._fresh and self._under_way < self._most and self._may_begin(now):
            number, begin = self._fresh.popleft()
            self._under_way += 1
            return number, begin()
        return None

    def _may_begin(self, now: float) -> bool:
        """A pause that can't be told ends the beginning of further ones; this worker goes on with what was begun."""
        if now >= self._next_begin:
            try:
                self._next_begin = now + self._pause()
            except Exception as error:  # noqa: BLE001 told to who waits for all
                self.begin_no_more(error)
                return False
        return now >= self._next_begin

    def _until(self, now: float) -> float | None:
        """Seconds until there may be something to do, unless another worker says so before."""
        moments = [self._waiting[0][0]] if self._waiting else []
        if self._fresh and self._under_way < self._most:
            moments.append(self._next_begin)
        return max(0.0, min(moments) - now) if moments else None

    def _go_on(self, number: int, course: Waits[T]) -> None:
        try:
            seconds = next(course)
        except StopIteration as ended:
            self._found[number] = ended.value
        except BaseException as error:  # noqa: BLE001 the others that were begun are finished
            self.begin_no_more(error)
        else:
            with self._turn:
                self._at_work -= 1
                heappush(self._waiting, (time.monotonic() + max(0.0, seconds), number, course))
                self._turn.notify()  # who waits for a later moment
            return
        with self._turn:
            self._at_work -= 1
            self._under_way -= 1
            if not self._under_way and not self._fresh:
                self._turn.notify_all()
