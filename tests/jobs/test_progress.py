"""How far a run is: written seldom while websites come to their end quickly, and exact at the end."""

from __future__ import annotations

import pytest

import models
from jobs import records
from jobs.progress import EVERY, Progress
from jobs.wiring.instance import Instance
from tests.fakes import NOW


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def run(instance: Instance) -> models.Run:
    return records.start_run("2026-01-01T00:00:00.000Z", "*", "ca", NOW)


def seen(run: models.Run) -> tuple[int, int, str | None]:
    row = models.Run.get_by_id(run.id)
    return row.done, row.total, row.current


def test_who_looks_sees_where_the_run_was_a_moment_ago(run: models.Run) -> None:
    clock = Clock()
    progress = Progress(run, clock)
    progress.expect(4, 1)
    assert seen(run) == (1, 4, None)
    assert progress.begin("alice")
    progress.finish_some(1)
    assert seen(run) == (1, 4, None)
    clock.seconds += EVERY
    progress.finish_some(1)
    assert seen(run) == (3, 4, "alice")


def test_at_the_end_nothing_is_left_unwritten(run: models.Run) -> None:
    progress = Progress(run, Clock())
    progress.expect(2, 0)
    assert progress.begin("alice") and progress.begin("bob")
    progress.finish_some(2)
    progress.keep()
    assert seen(run) == (2, 2, "bob")


def test_a_stop_is_seen_at_the_next_account_however_soon_that_comes(run: models.Run) -> None:
    progress = Progress(run, Clock())
    progress.expect(3, 0)
    assert progress.begin("alice")
    models.Run.update(stop_asked_at=NOW).execute()
    assert progress.begin("alice") and not progress.begin("bob")
    progress.keep()
    assert seen(run) == (0, 3, "alice")
