"""`autossl check --stop`: the twin of *Stop after this account*."""

from __future__ import annotations

import json

import pytest

import models
from jobs import records
from jobs.wiring.instance import now
from tests.panel.command_line import Line


def test_the_running_check_is_asked_to_stop_once(line: Line) -> None:
    run = records.start_run("2026-11-24T11:00:00.000Z", "*", "letsencrypt", now())
    first, again = (json.loads(line.run("check", "--stop", "--json").out) for _ in range(2))
    assert (first, again) == ({"stopping": True}, {"stopping": False})
    assert models.Run.get_by_id(run.id).stop_asked_at is not None
    entry = models.AuditEntry.get(models.AuditEntry.action == "check")
    assert (entry.object, entry.result) == ("--stop", "done")


def test_where_nothing_runs_it_says_so(line: Line) -> None:
    answer = line.run("check", "--stop")
    assert answer.code == 0 and "No check is running" in answer.out


@pytest.mark.parametrize("more", [["--all"], ["--user", "alice"], ["--plan"]], ids=" ".join)
def test_it_stands_alone(line: Line, more: list[str]) -> None:
    answer = line.run("check", "--stop", *more)
    assert answer.code == 2 and "expected --stop alone" in answer.err
