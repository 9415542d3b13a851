"""An order's names are asked for at once where the CA is far, and one after the other where it is near."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from jobs.providers.protocol import authorizing
from jobs.providers.protocol.authorizing import AT_ONCE, at_once


def test_of_a_far_ca_several_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorizing, "FAR", 0.0)
    meeting = threading.Barrier(AT_ONCE, timeout=5)
    calls: list[Callable[[], int]] = [lambda: 0, *([lambda: meeting.wait() * 0 + 1] * AT_ONCE)]
    assert list(at_once(calls)) == [0, *[1] * AT_ONCE]


def test_of_a_near_ca_one_is_asked_after_the_other_in_this_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorizing, "FAR", float("inf"))  # however busy this machine is
    calls = [partial(threading.get_ident)] * 5
    assert set(at_once(calls)) == {threading.get_ident()}


def test_what_was_asked_first_is_answered_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorizing, "FAR", 0.0)
    assert list(at_once([partial(int, number) for number in range(20)])) == list(range(20))


def test_nothing_to_ask_is_nothing() -> None:
    assert list(at_once([])) == []
