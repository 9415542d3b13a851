"""A run's log in pieces: read from a byte offset on or back, so that neither its size nor its growth matters.

The log of a run over ten thousand accounts has a hundred thousand events, and grows while it is read. A reader names
the byte where its next line begins; an offset inside of a line counts as the line after it. Who may read of some
accounts only is shown their events and no others: those with a code in the words for a website's owner, and none that
is for who runs the host only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import BinaryIO

from jobs.policy.customer_words import HOST_ONLY, for_owner
from jobs.policy.failure import Failure
from jobs.runlog import JSON_LINES, LEVELS, TEXT, Event
from jobs.wiring.instance import Instance
from jobs.wiring.logs import START

BUDGET = 4 * 1024 * 1024
"""Bytes that are looked through for one page. Where few events are wanted, a page may end before it is full."""

_BLOCK = 64 * 1024
_LEVEL = re.compile(rb'"level": "([a-z]+)"')
_ACCOUNT = re.compile(rb'"account": "((?:[^"\\]|\\.)*)"')
_CODE = re.compile(rb'"code": "([a-z0-9_]*)"')
_NAMES = {field.name for field in fields(Event)}


@dataclass(frozen=True)
class Wanted:
    """Which events are shown, and to whom. `levels`: none means all; `text`: part of account, website or name;
    `accounts`: those that the reader owns (None: everything, told as it is)."""

    levels: frozenset[str] = frozenset()
    text: str = ""
    accounts: frozenset[str] | None = None

    def told(self, line: bytes) -> Event:
        """The event of a line, in the words for who reads it."""
        event = _event(line)
        if self.accounts is None or not event.code:
            return event
        words = for_owner(event.code, event.text)
        return replace(event, text=words.detail or words.title)

    def holds(self, line: bytes) -> bool:
        """Whether a line as it was written is wanted: told without parsing what is not."""
        if self.levels and _found(_LEVEL, line) not in self.levels:
            return False
        if self.accounts is not None and (
            _found(_ACCOUNT, line) not in self.accounts or _found(_CODE, line) == HOST_ONLY
        ):
            return False
        return not self.text or self._mentions(line)

    def _mentions(self, line: bytes) -> bool:
        text = self.text.lower()
        if text.encode() not in line.lower():
            return False
        event = _event(line)
        return any(text in part.lower() for part in (event.account, event.website, event.name))


@dataclass(frozen=True)
class Piece:
    """Events in the order of the log. `first` and `after`: the bytes where what was looked through begins and ends;
    `at_start`, `at_end`: nothing lies before or, so far, behind it."""

    events: tuple[Event, ...]
    first: int
    after: int
    at_start: bool
    at_end: bool


def from_byte(instance: Instance, start: str, after: int, wanted: Wanted, limit: int) -> Piece:
    """At most `limit` wanted events from byte `after` on. Raises Failure("run_unknown")."""
    with _opened(instance, start, JSON_LINES) as file:
        first = position = _line_start(file, after)
        events: list[Event] = []
        while len(events) < limit and position - first < BUDGET:
            line = file.readline()
            if not line.endswith(b"\n"):  # the end, or a line that is being written
                return Piece(tuple(events), first, position, first == 0, True)
            position += len(line)
            if wanted.holds(line):
                events.append(wanted.told(line))
        return Piece(tuple(events), first, position, first == 0, not file.readline().endswith(b"\n"))


def to_byte(instance: Instance, start: str, before: int | None, wanted: Wanted, limit: int) -> Piece:
    """The last wanted events, at most `limit`, before byte `before`, or of the log. Raises Failure("run_unknown")."""
    with _opened(instance, start, JSON_LINES) as file:
        size = _end(file)
        end = size if before is None else min(_line_start(file, before), size)
        first, events = end, []
        for position, line in _lines_back(file, end):
            if len(events) == limit or end - position > BUDGET:
                break
            first = position
            if wanted.holds(line):
                events.append(wanted.told(line))
        return Piece(tuple(reversed(events)), first, end, first == 0, end == size)


def as_text(instance: Instance, start: str, accounts: frozenset[str] | None) -> Iterator[str]:
    """The whole log, a line at a time, for a person. Raises Failure("run_unknown") at once, not while it is read."""
    if accounts is None:
        return (line.decode("utf-8", "replace") for line in _whole(_opened(instance, start, TEXT)))
    wanted, lines = Wanted(accounts=accounts), _whole(_opened(instance, start, JSON_LINES))
    return (wanted.told(line).as_text() + "\n" for line in lines if wanted.holds(line))


def as_json_lines(instance: Instance, start: str, accounts: frozenset[str] | None) -> Iterator[bytes]:
    """The whole log, an event a line. Raises Failure("run_unknown") at once, not while it is read."""
    wanted, lines = Wanted(accounts=accounts), _whole(_opened(instance, start, JSON_LINES))
    if accounts is None:
        return lines
    return (wanted.told(line).as_json().encode() + b"\n" for line in lines if wanted.holds(line))


def _opened(instance: Instance, start: str, name: str) -> BinaryIO:
    """A file of a log; `start` becomes a path here, and nothing else may."""
    unknown = Failure("run_unknown", f"{start}: there is no log of that start; old ones are removed", permanent=True)
    if not START.match(start):
        raise unknown
    path = instance.place.logs / start / name
    try:
        return path.open("rb", _BLOCK)
    except FileNotFoundError as error:
        raise unknown from error
    except OSError as error:
        raise Failure("unreadable", f"{path}: reading the log: {error.strerror}") from error


def _whole(file: BinaryIO) -> Iterator[bytes]:
    """Its lines, but for a last one that is being written."""
    with file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _line_start(file: BinaryIO, offset: int) -> int:
    """`offset`, or where the line after it begins; the file stands there then."""
    size = file.seek(0, 2)
    if offset <= 0:
        return file.seek(0)
    file.seek(min(offset, size) - 1 if size else 0)
    file.readline()
    return file.tell()


def _end(file: BinaryIO) -> int:
    """The size of the file without a last line that is being written."""
    position = file.seek(0, 2)
    while position > 0:
        begin = max(0, position - _BLOCK)
        file.seek(begin)
        found = file.read(position - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        position = begin
    return 0


def _lines_back(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes]]:
    """Each line before byte `end`, where one begins, with the byte where it begins itself; the last one first."""
    position, cut = end, b""
    while position > 0:
        begin = max(0, position - _BLOCK)
        file.seek(begin)
        place = position + len(cut)
        lines = [line + b"\n" for line in (file.read(position - begin) + cut).split(b"\n")[:-1]]
        cut = lines.pop(0) if begin else b""  # its beginning lies in the block before
        for line in reversed(lines):
            place -= len(line)
            yield place, line
        position = begin


def _found(pattern: re.Pattern[bytes], line: bytes) -> str:
    """What a field of the line holds; the first field of that name is the event's, for quotes in texts are escaped."""
    match = pattern.search(line)
    return "" if match is None else match[1].decode("utf-8", "replace")


def _event(line: bytes) -> Event:
    """The event of a line. A line that is none (a disk error, a hand) is shown as what it is."""
    try:
        values = json.loads(line)
        time = datetime.fromisoformat(values.pop("time"))
        if values.keys() | {"time"} != _NAMES or values["level"] not in LEVELS:
            raise ValueError("not the fields of an event")
        return Event(time=time, **values)
    except (ValueError, TypeError, AttributeError, KeyError):
        text = f"this line of the log can't be read: {line.decode('utf-8', 'replace').strip()}"
        return Event(datetime.fromtimestamp(0, UTC), "error", "", "", "", "unreadable", text, 0)
