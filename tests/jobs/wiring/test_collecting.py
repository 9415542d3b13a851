"""Python looks through all that a run holds after it, and not in the middle."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from jobs.wiring.collecting import collect_now, collect_seldom


class Holder:
    """In a cycle with itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def whole() -> Iterator[list[int]]:
    """Collections of the whole heap; everything is as it was afterwards."""
    thresholds, found = gc.get_threshold(), []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            found.append(info["collected"])

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_a_run_remembers_of_many_websites_is_not_looked_through_again_and_again(whole: list[int]) -> None:
    collect_seldom()
    whole.clear()
    remembered = [[number] for number in range(200_000)]
    assert not whole
    collect_now()
    assert len(whole) == 1 and len(remembered) == 200_000


def test_what_only_cycles_keep_alive_goes_after_the_run(whole: list[int]) -> None:
    collect_seldom()
    for _ in range(1_000):
        Holder()
    collect_now()
    assert not [one for one in gc.get_objects() if isinstance(one, Holder)]
