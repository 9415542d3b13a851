"""A run's log: one list of events, written at once as text and as JSON lines, below `logs/<ISO start>/`.

Both files are renderings of the same event and grow in step; nobody else writes them.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LEVELS = ("info", "success", "warn", "error")
TEXT, JSON_LINES = "log.txt", "log.jsonl"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `time` is aware, UTC; `indent` is the nesting level of the text rendering."""

    time: datetime
    level: str
    account: str
    website: str
    name: str
    code: str
    text: str
    indent: int

    def as_text(self) -> str:
        """`time LEVEL website name: text [code]`, one line whatever the text holds."""
        subject = " ".join(part for part in (self.website or self.account, self.name) if part)
        said = " ".join(self.text.split())
        code = f" [{self.code}]" if self.code else ""
        lead = f"{subject}: " if subject else ""
        return f"{_stamp(self.time)} {self.level.upper():7} {'  ' * self.indent}{lead}{said}{code}"

    def as_json(self) -> str:
        values: dict[str, Any] = asdict(self)
        values["time"] = _stamp(self.time)
        return json.dumps(values, ensure_ascii=False)


Listener = Callable[[Event], None]


class RunLog:
    """The log of one run. Safe to be written from several threads; each event is on disk when the call returns."""

    def __init__(self, logs: Path, started: datetime, clock: Callable[[], datetime], listener: Listener | None) -> None:
        self.start, directory = _new_directory(logs, started)
        self._clock = clock
        self._listener = listener
        self._lock = threading.Lock()
        self._files = [_append(directory / TEXT), _append(directory / JSON_LINES)]

    def say(
        self, level: str, text: str, *, account: str = "", website: str = "", name: str = "", code: str = "",
        indent: int = 0,
    ) -> None:
        """Write one event to both files and to the listener."""
        if level not in LEVELS:
            raise ValueError(f"level: expected one of {LEVELS}, got {level!r}")
        with self._lock:
            event = Event(self._clock(), level, account, website, name, code, text, indent)
            for descriptor, line in zip(self._files, (event.as_text(), event.as_json()), strict=True):
                os.write(descriptor, line.encode("utf-8", "backslashreplace") + b"\n")
        if self._listener:
            self._listener(event)

    def close(self) -> None:
        for descriptor in self._files:
            os.close(descriptor)
        self._files = []


def prune(logs: Path, now: datetime, days: int) -> int:
    """Remove the logs of runs that started more than `days` ago; returns how many."""
    oldest = oldest_kept(now, days)
    old = [entry for entry in logs.iterdir() if entry.is_dir() and entry.name < oldest]
    for entry in old:
        with suppress(FileNotFoundError):  # a plan that ends beside this run removes the same ones
            shutil.rmtree(entry)
    return len(old)


def oldest_kept(now: datetime, days: int) -> str:
    """The start, as runs are named, before which logs are removed."""
    return _stamp(now - timedelta(days=days))


def _new_directory(logs: Path, started: datetime) -> tuple[str, Path]:
    moment = started
    while True:
        start = _stamp(moment)
        try:
            (logs / start).mkdir(mode=0o700)
        except FileExistsError:
            moment += timedelta(milliseconds=1)
            continue
        return start, logs / start


def _append(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
