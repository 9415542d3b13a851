"""A run's log: one list of events, written at once as text and as JSON lines, below `logs/<ISO start>/`.

Both files are renderings of the same event and grow in step; nobody else writes them.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.policy.journal import Kind, about, legible

LEVELS = ("info", "success", "warn", "error")
TEXT, JSON_LINES = "log.txt", "log.jsonl"

_log = logging.getLogger("autossl.runlog")
_noted = logging.getLogger("autossl.run")
_noted.addHandler(logging.NullHandler())  # a command has no log of its own, and tells what happens by its listener
_NOTED = {"warn": logging.WARNING, "error": logging.ERROR}
"""What the process's own log (the journal) hears of a run, beside its end."""


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
        return f"{_stamp(self.time)} {self.level.upper():7} {'  ' * self.indent}{self.words}"

    @property
    def words(self) -> str:
        """`website name: text [code]`"""
        subject = " ".join(part for part in (self.website or self.account, self.name) if part)
        said = " ".join(self.text.split())
        code = f" [{self.code}]" if self.code else ""
        lead = f"{subject}: " if subject else ""
        return legible(f"{lead}{said}{code}")

    def as_json(self) -> str:
        """One line of JSON, in which nothing steers the terminal of who looks at the file."""
        values: dict[str, Any] = {name: getattr(self, name) for name in _FIELDS}  # `asdict` would copy each one deeply
        values["time"] = _stamp(self.time)
        text = json.dumps(values, ensure_ascii=False)
        return text if text.isprintable() else json.dumps(values)


_FIELDS = tuple(field.name for field in fields(Event))

Listener = Callable[[Event], None]


class RunLog:
    """The log of one run. Safe to be written from several threads; each event is on disk when the call returns.

    A disk that takes no line must not keep a certificate from its website. The listener hears what can't be written all
    the same, or, where there is none, the process's own log (the journal) has it; and as soon as the disk takes lines
    again, this one says how many it lacks.
    """

    def __init__(
        self, logs: Path, started: datetime, clock: Callable[[], datetime], listener: Listener | None,
        noted: bool = False,
    ) -> None:
        """`noted`: the process's own log hears of warnings, errors and the end of the run as well."""
        self._clock = clock
        self._is_noted = noted
        self._listener = listener
        self._lock = threading.Lock()
        self._logs = logs
        self._files: list[int] = []
        self._missing = 0
        try:
            self.start, directory = _new_directory(logs, started)
            self._files = _opened(directory)
        except OSError as error:
            self.start = getattr(self, "start", _stamp(started))
            _log.error("%s: making the log of a run: %s; the run goes on without it", logs, error.strerror)

    def say(
        self, level: str, text: str, *, account: str = "", website: str = "", name: str = "", code: str = "",
        indent: int = 0,
    ) -> None:
        """Write one event to both files and to the listener."""
        if level not in LEVELS:
            raise ValueError(f"level: expected one of {LEVELS}, got {level!r}")
        with self._lock:
            event = Event(self._clock(), level, account, website, name, code, text, indent)
            self._keep(event)
        self._tell(event, Kind.RUN_EVENT, _NOTED.get(level))

    def sum_up(self, good: bool, text: str) -> None:
        """The last event: what came of the run."""
        with self._lock:
            event = Event(self._clock(), "success" if good else "warn", "", "", "", "", text, 0)
            self._keep(event)
        self._tell(event, Kind.RUN_FINISHED, logging.INFO if good else logging.WARNING)

    def keep(self, name: str, text: str) -> None:
        """Write a file beside the log, whole or not at all; a disk that does not take it is told in the log."""
        path = self._logs / self.start / name
        unfinished = path.with_name(f".{name}")
        try:
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            self.say("warn", f"{path}: writing: {error.strerror}", code="log_incomplete")

    def close(self) -> None:
        for descriptor in self._files:
            os.close(descriptor)
        self._files = []

    def _tell(self, event: Event, kind: Kind, weight: int | None) -> None:
        if self._is_noted and weight is not None:
            where = {"account": event.account, "website": event.website, "name": event.name, "code": event.code}
            _noted.log(weight, "%s", event.words, extra=about(kind, run=self.start, **where))
        if self._listener:
            self._listener(event)

    def _keep(self, event: Event) -> None:
        try:
            if not self._files:
                directory = self._logs / self.start
                directory.mkdir(mode=0o700, exist_ok=True)
                self._files = _opened(directory)
            if self._missing:
                words = f"{self._missing} events before this one could not be written here"
                _write(self._files, Event(event.time, "warn", "", "", "", "log_incomplete", words, 0))
                self._missing = 0
            _write(self._files, event)
        except OSError as error:
            if not self._missing:
                _log.error("%s: writing the log: %s; the run goes on", self._logs / self.start, error.strerror)
            self._missing += 1
            if self._listener is None:
                _log.warning("not in the log: %s", event.as_text())


def prune(logs: Path, now: datetime, days: int) -> int:
    """Remove the logs of runs that started more than `days` ago; returns how many."""
    oldest = oldest_kept(now, days)
    try:
        old = [entry for entry in logs.iterdir() if entry.is_dir() and entry.name < oldest]
    except OSError:  # told by whoever can't write there
        return 0
    for entry in old:
        with suppress(OSError):  # a plan that ends beside this run removes the same ones; else it is tried again
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


def _opened(directory: Path) -> list[int]:
    files: list[int] = []
    try:
        for name in (TEXT, JSON_LINES):
            files.append(os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
    except OSError:
        for descriptor in files:
            os.close(descriptor)
        raise
    return files


def _write(files: Sequence[int], event: Event) -> None:
    """One line in each file, or in none: half a line would join the next one. Raises OSError."""
    before = [os.fstat(descriptor).st_size for descriptor in files]
    try:
        for descriptor, line in zip(files, (event.as_text(), event.as_json()), strict=True):
            content = line.encode("utf-8", "backslashreplace") + b"\n"
            if os.write(descriptor, content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        for descriptor, size in zip(files, before, strict=True):
            with suppress(OSError):  # as it is, then: a reader passes over what is no whole line
                os.ftruncate(descriptor, size)
        raise


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
