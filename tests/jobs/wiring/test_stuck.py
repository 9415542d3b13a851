"""A server knows when it does by itself no more what it has to, and says so in a word."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

import models
from jobs.letter import Rendered
from jobs.policy.failure import Failure
from jobs.wiring import background as module
from jobs.wiring.background import STANDS_STILL, TICKED_SETTING, Background
from jobs.wiring.instance import Instance, now, setting
from jobs.wiring.measures import measure


def render(content: Any) -> Rendered:
    return Rendered("text", "<p>html</p>", "brief")


def until(told: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def server(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Background]:
    """With its clock, but without duties that look at this machine."""
    monkeypatch.setattr(module.duties, "every_duty", lambda: ())
    made = Background(instance, render)
    yield made
    if not made._stopping.is_set() and made.clock._scheduler.running:
        made.stop(10)
    models.database.connect(reuse_if_open=True)


def ticked() -> object:
    models.database.connect(reuse_if_open=True)
    return setting(TICKED_SETTING, None)


def test_nothing_is_stuck_before_the_start_while_all_works_and_after_the_end(server: Background) -> None:
    assert server.stuck() == ""
    server.start()
    assert server.stuck() == ""
    server.stop(10)
    assert not server._worker.is_alive() and server.stuck() == ""


@pytest.mark.parametrize("part", ["worker", "post"])
def test_a_thread_that_is_gone_is_named(server: Background, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    owner = server if part == "worker" else server._post
    thread = server._worker if part == "worker" else owner._thread  # type: ignore[union-attr]
    monkeypatch.setattr(thread, "_target", lambda: None)
    server.start()
    until(lambda: not thread.is_alive())
    assert server.stuck() == part


def test_a_clock_that_stands_still_is_named(server: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.clock, "start", lambda: None)
    monkeypatch.setattr(server.clock, "stop", lambda: None)
    server.start()
    began, clock = time.monotonic(), time.monotonic
    monkeypatch.setattr(module, "monotonic", lambda: began + STANDS_STILL - 1)
    assert server.stuck() == ""
    monkeypatch.setattr(module, "monotonic", lambda: clock() + STANDS_STILL + 1)
    assert server.stuck() == "clock"
    server._tick()
    assert server.stuck() == ""
    monkeypatch.setattr(module, "monotonic", clock)
    server.stop(10)


def test_every_tick_keeps_its_time_for_other_processes_whatever_its_duties_do(
    server: Background, instance: Instance
) -> None:
    def broken(instance: Instance) -> None:
        raise Failure("no_room", "the disk is full")

    assert ticked() is None and measure(instance, now()).ticked is None
    server._duties = (("breaking", broken), ("breaking badly", lambda _: 1 / 0))  # type: ignore[assignment]
    server._tick()
    ticked()
    kept = measure(instance, now()).ticked
    assert kept is not None and now() - kept < timedelta(seconds=10)


def test_the_clock_ticks_once_at_the_start(server: Background) -> None:
    server.start()
    until(ticked)


def test_what_fails_stands_in_the_journal_with_its_code_and_that_it_works_again(
    server: Background, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(instance: Instance) -> None:
        raise Failure("no_room", "the disk is full")

    with caplog.at_level("INFO", "autossl.background"):
        server._turn("copying", failing)
        server._turn("copying", lambda _: None)
        server._turn("breaking", lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    kinds = [(record.subject.kind, record.subject.code) for record in caplog.records]  # type: ignore[attr-defined]
    assert kinds == [("duty_failed", "no_room"), ("duty_works", ""), ("duty_failed", "internal_error")]
