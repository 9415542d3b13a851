"""Logs of checks: which ran, and what each said, also while it runs.

A log grows at its end, so a page of it begins or ends at a byte (`?after=N`, `?before=N`), and the page of a running
check asks every two seconds for what came after the last one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import models
from jobs.policy.access import Reach, Right
from jobs.policy.customer_words import for_host, for_owner
from jobs.policy.problems import CATALOGUE
from jobs.wiring import log_pages, options, runs
from jobs.wiring.log_pages import Piece, Wanted
from jobs.wiring.runs import RunFacts
from panel import hx
from panel.access import needs
from panel.paging import Page, Watched, asked, search_text, watched
from panel.tabs import Tab
from panel.wording import visible
from panel.work import instance

pages = Blueprint("logs", __name__, url_prefix="/logs")
TAB = Tab("Logs", "logs.show", Right.SEE)

NEWEST_FIRST = "-start"
RESULTS = ("", "running", "done", "failed", "stopped")
STATES = ("", "running", runs.OVER)
"""For who sees runs over other people's accounts: whose failures they had is not told by a filter either."""

SHOWN = (
    models.Run.id, models.Run.start, models.Run.provider, models.Run.scope, models.Run.result,
    models.Run.started_at, models.Run.finished_at, models.Run.totals, models.Run.done, models.Run.total,
    models.Run.current,
)
"""All that the list is made of."""

EVENTS = 200
"""A page."""

MOST_SHOWN = 2000
"""Events that a page of a running check grows to."""

LEVELS = {
    "": ("All levels", frozenset()),
    "warn": ("Warnings and errors", frozenset({"warn", "error"})),
    "error": ("Errors", frozenset({"error"})),
    "success": ("Successes", frozenset({"success"})),
    "info": ("Information", frozenset({"info"})),
}
LIVE, PAUSED, FULL, OVER = "on", "off", "full", ""
"""Of a page of a log: it grows by itself; it is told to only when asked; it is as long as it may be; it is all."""

RESUMED = LIVE
FORMATS = {"log.txt": "text/plain; charset=utf-8", "log.jsonl": "application/x-ndjson; charset=utf-8"}
_BYTE = re.compile(r"\A[0-9]{1,15}\Z")


@dataclass(frozen=True)
class View:
    """What of a log is asked for. `after`, `before`: bytes, of which at most one is given, or its `newest` events;
    `shown`: how many the page has already."""

    level: str = ""
    q: str = ""
    after: int | None = None
    before: int | None = None
    newest: bool = False
    live: str = ""
    shown: int = 0

    def url(self, run: RunFacts, **place: Any) -> str:
        """The same log with the same filter, at another place."""
        wanted = {"level": self.level, "q": self.q, **place}
        query = urlencode({name: value for name, value in wanted.items() if value not in ("", None)})
        path = url_for("logs.view", start=run.start)
        return f"{path}?{query}" if query else path


@pages.get("")
@needs(Right.SEE)
def show() -> ResponseReturnValue:
    within = current_user.reach
    found = _runs(within)
    told_less = None if within.everything else _shown(found, within)
    version = found.version_for(told_less)
    polled = hx.wants_partial() and "seen" in request.args
    if polled and request.args["seen"] == version:
        return hx.unchanged()
    page = told_less or _shown(found, within)
    busy = any(run.finished is None for run in page.rows)
    answer = hx.page_or_partial("logs/index.html", "logs/_runs.html", **_context(page, busy, version))
    return hx.stop_polling(answer) if polled and not busy else answer


@pages.get("/<start>")
@needs(Right.SEE)
def view(start: str) -> ResponseReturnValue:
    run, asked_for = _found(start), _view()
    if hx.wants_partial() and asked_for.after is not None:
        return _grown(run, asked_for, asked_for.after)
    piece = _piece(run, asked_for)
    grows = run.finished is None and piece.at_end
    state = (PAUSED if asked_for.live == PAUSED else LIVE) if grows else OVER
    return hx.page_or_partial(
        "logs/view.html", "logs/_log.html", run=run, view=asked_for, piece=piece, events=piece.events,
        after=piece.after, state=state, shown=len(piece.events), levels=LEVELS, **_about(run),
    )


@pages.get("/<start>/<name>")
@needs(Right.SEE)
def download(start: str, name: str) -> ResponseReturnValue:
    """The whole log, or what of it the reader may see, sent while it is read."""
    if name not in FORMATS:
        abort(404)
    run = _found(start)
    accounts = runs.reached(current_user.reach)
    lines: Iterator[bytes]
    if name == "log.txt":
        lines = (visible(line).encode() for line in log_pages.as_text(instance(), run.start, accounts))
    else:
        lines = log_pages.as_json_lines(instance(), run.start, accounts)
    answer = Response(lines, content_type=FORMATS[name])
    kind = name.removeprefix("log.")
    answer.headers["Content-Disposition"] = f'attachment; filename="autossl-{run.start.replace(":", "")}.{kind}"'
    return answer


def _runs(within: Reach) -> Watched:
    """The runs that the request asks for, as rows."""
    row = models.Run
    columns: dict[str, Any] = {
        "start": row.start, "provider": (row.provider, row.start), "finished": (row.finished_at, row.start)
    }
    if within.everything:
        columns |= {"scope": (row.scope, row.start), "result": (row.result, row.start)}
    results: tuple[str, ...] = RESULTS if within.everything else STATES
    ask = asked(columns, NEWEST_FIRST, {"result": results})
    ask = replace(ask, filters={**ask.filters, "account": search_text(request.args.get("account", ""))})
    query = row.select().where(runs.runs_in(within))
    if ask.filters["account"]:
        query = query.where(runs.runs_of(ask.filters["account"]))
    if ask.filters["result"] == runs.OVER:
        query = query.where(row.finished_at.is_null(False))
    elif ask.filters["result"]:
        query = query.where(row.result == ask.filters["result"])
    if ask.q:
        query = query.where(runs.runs_with(ask.q, within))
    return watched(ask, query, columns, NEWEST_FIRST, SHOWN)


def _shown(found: Watched, within: Reach) -> Page:
    page = found.page()
    return replace(page, rows=runs.shown(page.rows, within))


def _context(page: Page, busy: bool, version: str) -> dict[str, Any]:
    return {
        "page": page,
        "busy": busy,
        "version": version,
        "results": RESULTS if current_user.reach.everything else STATES,
        "kept_days": options.load(instance().config).log_days,
    }


def _found(start: str) -> RunFacts:
    run = runs.find(start, current_user.reach)
    if run is None:
        abort(404)
    return run


def _view() -> View:
    sent = request.args
    level = sent.get("level", "")
    return View(
        level=level if level in LEVELS else "",
        q=search_text(sent.get("q", "")),
        after=_byte(sent.get("after", "")),
        before=_byte(sent.get("before", "")),
        newest=sent.get("before") == "end",
        live=sent.get("live", ""),
        shown=_byte(sent.get("shown", "")) or 0,
    )


def _wanted(asked_for: View) -> Wanted:
    return Wanted(LEVELS[asked_for.level][1], asked_for.q, runs.reached(current_user.reach))


def _piece(run: RunFacts, asked_for: View) -> Piece:
    """Of a check that is over the beginning, of a running one the end, unless a place is asked for."""
    wanted = _wanted(asked_for)
    if asked_for.after is not None:
        return log_pages.from_byte(instance(), run.start, asked_for.after, wanted, EVENTS)
    if asked_for.before is not None or asked_for.newest or run.finished is None:
        return log_pages.to_byte(instance(), run.start, asked_for.before, wanted, EVENTS)
    return log_pages.from_byte(instance(), run.start, 0, wanted, EVENTS)


def _grown(run: RunFacts, asked_for: View, after: int) -> ResponseReturnValue:
    """What came after byte `after`, for the page of a running check. `run` was read before: what it says is over has
    its whole log on disk."""
    if asked_for.live == PAUSED:
        nothing = Piece((), after, after, at_start=False, at_end=False)
        return _tail(run, asked_for, nothing, PAUSED, ("logs/_more.html", "logs/_live.html"))
    piece = log_pages.from_byte(instance(), run.start, after, _wanted(asked_for), EVENTS)
    over = run.finished is not None and piece.at_end
    if piece.after == after and not over and asked_for.live != RESUMED:
        return hx.unchanged()
    parts = ["logs/_events.html", "logs/_more.html"]
    if over:
        if not current_user.may(Right.SEE_HOST):  # who sees the header is told there
            hx.say("The check is over.")
        return hx.stop_polling(_tail(run, asked_for, piece, OVER, [*parts, "logs/_live.html", "logs/_facts.html"]))
    if asked_for.shown + len(piece.events) >= MOST_SHOWN:
        return hx.stop_polling(_tail(run, asked_for, piece, FULL, [*parts, "logs/_live.html"]))
    return _tail(run, asked_for, piece, LIVE, [*parts, "logs/_live.html"] if asked_for.live == RESUMED else parts)


def _tail(run: RunFacts, asked_for: View, piece: Piece, state: str, parts: Sequence[str]) -> str:
    """What is put in place of the end of the shown events, and beside it what else has changed."""
    return hx.partial_only(
        parts, oob=True, run=run, view=asked_for, events=piece.events, after=piece.after, state=state,
        shown=asked_for.shown + len(piece.events), **_about(run),
    )


def _about(run: RunFacts) -> dict[str, Any]:
    """What every part of a log's page has: until when it is kept, and how its codes are explained to who reads it."""
    days = options.load(instance().config).log_days
    words = for_host if current_user.reach.everything else for_owner
    return {"kept_until": run.started + timedelta(days=days), "words": words, "catalogue": CATALOGUE}


def _byte(text: str) -> int | None:
    return int(text) if _BYTE.match(text) else None
