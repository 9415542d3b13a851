"""Our product at night with a clock and counters: `python -m tests.bench.night_asked FD INSTANCE WHAT`

WHAT is `due`, for what the clock of `autossl serve` asks for, or `check`, for `autossl check --all`. Writes to FD as
JSON the seconds, CPU seconds, files opened and SQL statements; of a check also the seconds in which it gathered what is
known of each website and decided, and how many websites had which outcome.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from peewee import SqliteDatabase

import models
from jobs import check, records
from jobs.config import load
from jobs.wiring import duties
from jobs.wiring.instance import config_path, now, open_instance
from panel.cli import main as autossl


class Counters:
    """From `begin` on: seconds, CPU seconds, files opened by Python's own means, and SQL statements."""

    def __init__(self) -> None:
        self._opened = self._asked = 0
        execute = SqliteDatabase.execute_sql

        def counted(database: SqliteDatabase, *words: Any, **more: Any) -> Any:
            self._asked += 1
            return execute(database, *words, **more)

        SqliteDatabase.execute_sql = counted
        sys.addaudithook(self._event)

    def begin(self) -> None:
        self._opened = self._asked = 0
        self._began, self._used = time.monotonic(), time.process_time()

    def found(self) -> dict[str, float]:
        seconds, cpu = time.monotonic() - self._began, time.process_time() - self._used
        return {"seconds": seconds, "cpu": cpu, "opened": self._opened, "asked": self._asked}

    def _event(self, event: str, _: Any) -> None:
        if event == "open":
            self._opened += 1


def ask_for_due(directory: Path, counters: Counters) -> dict[str, Any]:
    """As a look of `jobs.wiring.background` does it: with a new connection, and the configuration as it is now. Raises
    RuntimeError when something was due: then it is not this that was to be measured."""
    opened = open_instance(directory)
    with models.database.connection_context():
        before = models.QueueEntry.select().count()
    counters.begin()
    with models.database.connection_context():
        duties.ask_for_due(replace(opened, config=load(config_path(directory))))
    found = counters.found()
    with models.database.connection_context():
        due, asked_for = records.accounts_due(now()), models.QueueEntry.select().count() - before
    opened.close()
    if due or asked_for:
        raise RuntimeError(f"expected that nothing is due; got {due[:3]}, and {asked_for} checks asked for")
    return found


def check_all(directory: Path, counters: Counters) -> dict[str, Any]:
    """The whole command, as it is started every night where the server does not run."""
    decided: list[float] = []
    check.decide_each = _clocked(check.decide_each, decided)
    counters.begin()
    try:
        autossl(["--instance", str(directory), "check", "--all"], prog_name="autossl")
    except SystemExit as ended:
        if ended.code:
            raise
    found = counters.found()
    opened = open_instance(directory)
    with models.database.connection_context():
        last = models.Run.select().order_by(models.Run.id.desc()).first()
    opened.close()
    return {**found, "decided": sum(decided), "totals": json.loads(last.totals)}


def _clocked(act: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def clocked(*words: Any) -> Any:
        began = time.monotonic()
        try:
            return act(*words)
        finally:
            seconds.append(time.monotonic() - began)

    return clocked


WHATS: dict[str, Callable[[Path, Counters], dict[str, Any]]] = {"due": ask_for_due, "check": check_all}


def main(words: Sequence[str]) -> None:
    sink, directory, what = words
    found = WHATS[what](Path(directory), Counters())
    with os.fdopen(int(sink), "w", encoding="utf-8") as told:
        json.dump(found, told)


if __name__ == "__main__":
    main(sys.argv[1:])
