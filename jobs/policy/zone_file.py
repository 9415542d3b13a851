"""Edits a zone file so that everything else stays as it is: one more line, one line less, another serial number.

Only the text itself is looked at: what $INCLUDE and $GENERATE bring is not among its entries. Whether an edit means
what it should is proved by the name server's own reading of both texts (`zone_listing`), never by this alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.policy.zone_text import Line, Token, absolute, lines

MARK = "; added by AutoSSL Panel"

_TTL = re.compile(r"\A(?:[0-9]+[smhdw]?)+\Z", re.IGNORECASE)
_CLASS = re.compile(r"\A(?:IN|CH|HS|CLASS[0-9]+)\Z", re.IGNORECASE)
_TYPES = {"TYPE6": "SOA", "TYPE16": "TXT", "TYPE257": "CAA"}
_NUMBER = re.compile(r"\A[0-9]{1,10}\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource record as written. `owner`: as `zone_text.absolute` has it; `named`: the line names it itself, else
    it is that of the entry before. `start` to `end`: the whole line, or lines, with the newline."""

    owner: str
    named: bool
    kind: str
    rdata: tuple[Token, ...]
    start: int
    end: int

    @property
    def value(self) -> str:
        """The rdata on one line, as written."""
        return " ".join(token.raw for token in self.rdata)


def entries(text: str, zone: str) -> tuple[Entry, ...]:
    """The records that the text itself holds, in order. `zone`: its name in lower case without the final dot.

    Raises ValueError for a text that can't be read.
    """
    found: list[Entry] = []
    origin = owner = zone
    for line in lines(text):
        first = line.tokens[0].raw
        if first.startswith("$") and not line.indented:
            if first.upper() == "$ORIGIN" and len(line.tokens) > 1:
                origin = absolute(line.tokens[1].raw, origin)
            continue
        if not line.indented:
            owner = absolute(first, origin)
        entry = _entry(line, owner)
        if entry is not None:
            found.append(entry)
    return tuple(found)


def with_line(text: str, line: str) -> str:
    """The text with one more line at its end, where it changes the meaning of none: neither the owner nor the TTL that
    a following line would inherit. A text whose last line has no newline gets none."""
    newline = _newline(text)
    if text and not text.endswith("\n"):
        return f"{text}{newline}{line}"
    return f"{text}{line}{newline}"


def without(text: str, zone: str, entry: Entry) -> str:
    """The text without that entry's lines. An entry behind it that inherited its owner is given it in writing."""
    all_entries = entries(text, zone)
    place = all_entries.index(entry)
    former = all_entries[place - 1].owner if place else zone
    before, after = text[: entry.start], text[entry.end :]
    following = all_entries[place + 1 : place + 2]
    if entry.named and following and not following[0].named and former != entry.owner:
        at = following[0].start - entry.end
        after = f"{after[:at]}{entry.owner}.{after[at:]}"
    if not after and not text.endswith("\n"):
        before = before.removesuffix("\n").removesuffix("\r")
    return before + after


def with_serial(text: str, entry: Entry, number: int) -> str:
    """The text with another serial number in its SOA entry. Raises ValueError when its own isn't
    written as a plain number."""
    token = _serial(entry)
    return f"{text[: token.start]}{number}{text[token.end :]}"


def soa(all_entries: Sequence[Entry], zone: str) -> Entry:
    """The SOA entry of the zone. Raises ValueError unless the text holds exactly one."""
    found = [entry for entry in all_entries if entry.kind == "SOA" and entry.owner == zone]
    if len(found) != 1:
        raise ValueError(f"expected one SOA record of {zone or '.'} in the file itself, found {len(found)}")
    return found[0]


def _serial(entry: Entry) -> Token:
    """The third field of SOA (RFC 1035 section 3.3.13)."""
    if len(entry.rdata) < 3 or not _NUMBER.match(entry.rdata[2].raw):
        raise ValueError("expected a plain number as the third field of the SOA record")
    return entry.rdata[2]


def _entry(line: Line, owner: str) -> Entry | None:
    """TTL and class may stand in either order before the type, or be left out (RFC 1035 section 5.1)."""
    rest = list(line.tokens if line.indented else line.tokens[1:])
    for pattern in (_TTL, _CLASS, _TTL):
        if rest and pattern.match(rest[0].raw):
            del rest[0]
    if not rest:
        return None
    kind = rest[0].raw.upper()
    return Entry(owner, not line.indented, _TYPES.get(kind, kind), tuple(rest[1:]), line.start, line.end)


def _newline(text: str) -> str:
    """The convention of the text's first line."""
    head, newline, _ = text.partition("\n")
    return "\r\n" if newline and head.endswith("\r") else "\n"
