"""What a message says, as plain values that a template only has to arrange: in the words for who reads it, worst first,
and bounded however much there is to tell.

Texts may come from anywhere (a CA, a name server, a configuration): here they become one printable line each. Escaping
for HTML is the template's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from jobs.policy.customer_words import Words, for_host, for_owner
from jobs.policy.failure import LeftOff
from jobs.policy.idn import readable
from jobs.policy.notify import Audience, Event, Kind, Weight
from jobs.policy.notify_words import HEADINGS, MEANINGS, SHORT, TITLES
from jobs.policy.redirects import printable

PREFIX = "[AutoSSL]"
"""At the beginning of every subject, in every language."""

MOST_ENTRIES, MOST_NAMES, MOST_COVERED = 40, 5, 10
"""Websites in a message, names of each that failed, and names of each certificate; the rest is counted."""

MOST_IN_ALL = 80
"""Names that failed, in the whole message."""

LONGEST_TEXT, LONGEST_SUBJECT = 500, 150
_SAID_BY_THE_SECTION = frozenset(
    {Kind.INSTALLED, Kind.TEST, Kind.DEFERRED, Kind.BLOCKED, Kind.REDUCED, Kind.UNCOVERED, Kind.FOREIGN}
)
"""Kinds whose problems have the same title as their section."""


def digest(events: Iterable[Event], audience: Audience, host: str, panel: str, run: str = "") -> dict[str, Any]:
    """`host`: how this host calls itself; `panel`: where the panel is opened, or empty; `run`: the check's log."""
    by_kind: dict[Kind, list[Event]] = {kind: [] for kind in Kind}
    for event in events:
        by_kind[event.kind].append(event)
    room = _Room()
    sections = [_section(kind, found, audience, room) for kind, found in by_kind.items() if found]
    counts = {str(weight): sum(len(one) for kind, one in by_kind.items() if _weighs(one, weight)) for weight in Weight}
    return {
        "audience": str(audience),
        "host": plain(host),
        "panel": panel,
        "run": run,
        "counts": counts,
        "summary": summary(counts),
        "sections": sections,
    }


def subject(events: Sequence[Event], host: str) -> str:
    """One line of printable ASCII: what happened if it is one thing, else how much of what."""
    if len(events) == 1:
        (event,) = events
        about = event.website or event.service
        said = f"{about}: {SHORT[event.kind]}" if about else SHORT[event.kind]
    else:
        said = summary({str(weight): sum(event.weight is weight for event in events) for weight in Weight})
    return printable(" ".join(f"{PREFIX} {host}: {said}".split()), LONGEST_SUBJECT)


def summary(counts: dict[str, int]) -> str:
    """`1 failure, 2 warnings, 3 successes`."""
    plural = {"failure": "failures", "warning": "warnings", "success": "successes"}
    said = [f"{count} {word if count == 1 else plural[word]}" for word, count in counts.items() if count]
    return ", ".join(said)


def plain(text: str, most: int = LONGEST_TEXT) -> str:
    """`text` from outside as one line that shows everything in it: control characters, and those that turn or hide
    other text, are written out."""
    line = " ".join(text.split())
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in line)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def name_shown(name: str) -> str:
    """A host name, with how it reads beside it where that is something else."""
    also = readable(name)
    return plain(f"{name} ({also})" if also else name)


class _Room:
    """How much may still be shown."""

    def __init__(self) -> None:
        self.entries, self.names = MOST_ENTRIES, MOST_IN_ALL

    def for_entries(self, wanted: int) -> int:
        """Half of what is left at most, so that every section has something to show."""
        given = min(wanted, max(1, self.entries // 2))
        self.entries -= given
        return given

    def for_names(self, wanted: int) -> int:
        given = min(wanted, MOST_NAMES, max(self.names, 0))
        self.names -= given
        return given


def _weighs(events: Sequence[Event], weight: Weight) -> bool:
    return bool(events) and events[0].weight is weight


def _section(kind: Kind, events: Sequence[Event], audience: Audience, room: _Room) -> dict[str, Any]:
    words = for_host if audience is Audience.ADMIN else for_owner
    # the most urgent first; what has no end was never covered
    ordered = sorted(events, key=lambda event: (event.ends_at is None, event.ends_at, event.website, event.service))
    shown = ordered[: room.for_entries(len(ordered))]
    return {
        "kind": str(kind),
        "weight": str(events[0].weight),
        "title": TITLES[kind],
        "meaning": MEANINGS[kind],
        "count": len(events),
        "entries": [_entry(event, words, audience, room) for event in shown],
        "more": len(events) - len(shown),
    }


def _entry(
    event: Event, words: Callable[[str, str], Words], audience: Audience, room: _Room
) -> dict[str, Any]:
    said = words(event.code, event.detail)
    names = event.names[: room.for_names(len(event.names))]
    heading = name_shown(event.website) if event.website else HEADINGS.get(event.kind, said.title)
    return {
        "heading": plain(heading),
        "website": plain(event.website),
        "account": "" if audience is Audience.OWNER else plain(event.account),
        "page": plain(event.account),
        "service": plain(event.service),
        "service_is": "Provider" if event.kind in (Kind.PROVIDER, Kind.TERMS) else "Service",
        "title": "" if event.kind in _SAID_BY_THE_SECTION else said.title,
        "detail": plain(said.detail),
        "remedy": "" if event.kind in (Kind.INSTALLED, Kind.TEST) or names else said.remedy,
        "names": [_name(left, words) for left in names],
        "more_names": len(event.names) - len(names),
        "covered": [name_shown(name) for name in event.covered[:MOST_COVERED]],
        "more_covered": max(len(event.covered) - MOST_COVERED, 0),
        "websites": event.websites,
        "ends_at": moment(event.ends_at),
        "until": moment(event.until),
        "retry_at": moment(event.retry_at),
    }


def _name(left: LeftOff, words: Callable[[str, str], Words]) -> dict[str, str]:
    said = words(left.code, left.text)
    return {
        "name": name_shown(left.name),
        "title": said.title,
        "detail": plain(said.detail),
        "remedy": said.remedy,
    }


def moment(at: datetime | None) -> str:
    """To the minute, in UTC and saying so."""
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
