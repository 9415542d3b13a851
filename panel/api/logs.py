"""The logs of checks. Who does not reach every account gets, of a check of others too, the lines of those in reach."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import models
from jobs.policy.access import Right
from jobs.wiring import log_pages, runs
from jobs.wiring.log_pages import Event, Wanted
from panel.api.answers import Refused
from panel.api.parameters import WORD, Parameter
from panel.api.registry import BIT, MAYBE_NUMBER, NUMBER, TEXT, TIME, Call, Function, payload

TYPES = {"info": "out", "success": "success", "warn": "warn", "error": "failure"}
"""Our levels, as WHM names them."""

_AT_ONCE = 1000


def catalog(call: Call) -> dict[str, Any]:
    """The newest first; a row stays for as long as its log does."""
    reach = call.caller.reach
    rows = models.Run.select().where(runs.runs_in(reach)).order_by(models.Run.start.desc())
    return {
        "payload": [
            {
                "start_time": run.start,
                "provider": run.provider,
                "username": ",".join(run.accounts) or runs.EVERYTHING,
                "in_progress": int(run.finished is None),
            }
            for run in runs.shown(list(rows), reach)
        ]
    }


def lines(call: Call) -> dict[str, Any]:
    start = call.values["start_time"]
    if runs.find(start, call.caller.reach) is None:
        raise Refused(404, f"{start}: there is no log of that start; see get_autossl_logs_catalog")
    pid = _entry(models.Run.get(models.Run.start == start))
    return {"payload": [{**_line(event), "pid": pid} for event in _events(call, start)]}


def _events(call: Call, start: str) -> Iterator[Event]:
    wanted = Wanted(accounts=runs.reached(call.caller.reach))
    after, over = 0, False
    while not over:
        piece = log_pages.from_byte(call.instance, start, after, wanted, _AT_ONCE)
        yield from piece.events
        after, over = piece.after, piece.at_end


def _entry(row: models.Run) -> int | None:
    """The queue's entry that asked for this run: what start_autossl_check_... answered as `pid`."""
    entries = models.QueueEntry
    same = (entries.key == f"check:{row.scope}") & (entries.answer == row.start)
    entry = entries.select(entries.id).where(same).first()
    return None if entry is None else int(entry.id)


def _line(event: Event) -> dict[str, Any]:
    """`contents`: as the line of the text log, without its time and level."""
    subject = " ".join(part for part in (event.website or event.account, event.name) if part)
    code = f" [{event.code}]" if event.code else ""
    return {
        "timestamp": event.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "type": TYPES[event.level],
        "contents": f"{subject + ': ' if subject else ''}{event.text}{code}",
        "indent": event.indent,
        "partial": 0,
    }


FUNCTIONS = (
    Function(
        "get_autossl_logs_catalog", "The checks whose logs are kept; username * is a check of all accounts", Right.SEE,
        catalog, data=payload(start_time=TIME, provider=TEXT, username=TEXT, in_progress=BIT),
    ),
    Function(
        "get_autossl_log", "The log of one check, also while it grows", Right.SEE, lines,
        (Parameter("start_time", WORD, "a start_time of get_autossl_logs_catalog"),),
        data=payload(
            timestamp=TIME, type={"type": "string", "enum": sorted(TYPES.values())}, contents=TEXT, indent=NUMBER,
            pid=MAYBE_NUMBER, partial=BIT,
        ),
    ),
)
