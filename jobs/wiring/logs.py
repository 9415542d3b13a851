"""The logs of former runs, read and at last forgotten: what `jobs/runlog.py` wrote, beside the rows of the runs."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import models
from jobs import records, runlog
from jobs.policy.failure import Failure
from jobs.report import counted, stamp
from jobs.runlog import JSON_LINES, TEXT
from jobs.wiring import options
from jobs.wiring.instance import Instance

START = re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


def list_runs(instance: Instance) -> list[dict[str, Any]]:
    """Every log that is kept, the newest first. A log without a row was a plan."""
    rows = {row.start: row for row in models.Run.select()}
    starts = [entry.name for entry in instance.place.logs.iterdir() if START.match(entry.name)]
    return [as_shown(start, rows.get(start)) for start in sorted(starts, reverse=True)]


def read_run(instance: Instance, start: str) -> dict[str, Any]:
    """The facts of one run, its text and its events. Raises Failure("run_unknown"), Failure("unreadable")."""
    directory = instance.place.logs / start
    if not START.match(start) or not directory.is_dir():
        raise Failure("run_unknown", f"{start}: there is no log of that start; see `autossl log list`", permanent=True)
    try:
        text = (directory / TEXT).read_text(encoding="utf-8", errors="replace")
        lines = (directory / JSON_LINES).read_text(encoding="utf-8", errors="replace").splitlines()
        events = [json.loads(line) for line in lines if line]
    except (OSError, ValueError) as error:
        raise Failure("unreadable", f"{directory}: reading the log: {error}") from error
    row = models.Run.get_or_none(models.Run.start == start)
    return {**as_shown(start, row), "text": text, "events": events}


def forget_old(instance: Instance, moment: datetime) -> None:
    """Remove logs that are older than the options keep them. A row stays for as long as its log does."""
    days = options.load(instance.config).log_days
    runlog.prune(instance.place.logs, moment, days)
    records.forget_runs(runlog.oldest_kept(moment, days))


def as_shown(start: str, row: models.Run | None) -> dict[str, Any]:
    """One run for a person or a script."""
    if row is None:
        return {"start": start, "scope": "", "provider": "", "result": "plan", "finished": None, "totals": {},
                "summary": ""}
    totals = json.loads(row.totals)
    return {
        "start": start,
        "scope": "all accounts" if row.scope == "*" else row.scope,
        "provider": row.provider,
        "result": row.result,
        "finished": stamp(row.finished_at),
        "totals": totals,
        "summary": counted(totals),
    }
