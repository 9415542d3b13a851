"""What the tick takes care of, each thing apart."""

from __future__ import annotations

import logging

import pytest

from jobs.policy.failure import Failure
from jobs.wiring.background import Background
from jobs.wiring.instance import Instance


@pytest.mark.parametrize("trouble", [Failure("unreadable", "a file is gone"), ValueError("nobody foresaw this")])
def test_a_duty_that_fails_is_told_and_the_next_one_has_its_turn(
    instance: Instance, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def fails(_: Instance) -> None:
        raise trouble

    worker = Background(instance)
    worker._duties = (("one", fails), ("two", lambda _: done.append("two")))
    with caplog.at_level(logging.WARNING, "autossl.background"):
        worker._tick()
    assert done == ["two"]
    assert caplog.text.count("one") and str(trouble) in caplog.text
