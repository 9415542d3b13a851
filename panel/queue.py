"""The pending queue: checks that were asked for, orders that a provider has not finished, and what became of others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from peewee import fn

import models
from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.wiring import pending
from jobs.wiring.instance import now
from panel import hx, work
from panel.access import needs
from panel.audit import audited, note
from panel.paging import Page, Watched, asked, watched
from panel.tabs import Tab
from panel.wording import sentence

pages = Blueprint("queue", __name__, url_prefix="/queue")
TAB = Tab("Pending Queue", "queue.show", Right.SEE)

PARTIAL = "queue/_entries.html"
_row = models.QueueEntry
COLUMNS: Mapping[str, Any] = {
    "requested": (_row.requested_at, _row.id),
    "account": (_row.account, _row.id),
    "website": (_row.website, _row.id),
    "provider": (_row.provider, _row.id),
    "polled": (_row.polled_at, _row.id),
    "next": (_row.run_after, _row.id),
}
OVER: Mapping[str, Any] = {
    "finished": (_row.finished_at, _row.id),
    **{name: COLUMNS[name] for name in ("account", "website", "provider", "requested")},
}
SHOWN = (
    _row.id, _row.kind, _row.state, _row.account, _row.website, _row.payload, _row.provider, _row.order_url,
    _row.requested_at, _row.polled_at, _row.run_after, _row.finished_at, _row.attempts, _row.answer,
)
"""All that the list is made of."""

PENDING, HISTORY = "", "over"
KINDS = ("", "order", "check")
FAILED = "It failed. SSL/TLS Status says what is known of each name, and what you can do."
"""For who does not see the host, whose inside the answer may name; there it is told in words for a website's owner."""
WAITING = "The CA has not finished. It is asked again by itself."
STOPPING = "The check ends after the account that it works on."
LIMITED = "It waits for the provider's limit, and goes on by itself at the time that is named."
_OWNERS_WORDS = {"failed": FAILED, "waiting": WAITING}
_BUSY = ("queued", "running")
LARGEST_ID = 2**63 - 1
"""Of a row of SQLite, which takes no larger number in a question either."""


@dataclass(frozen=True)
class Entry:
    """One row as it is shown. `accounts`: those of a check; None: all of them."""

    id: int
    kind: str
    state: str
    account: str | None
    accounts: tuple[str, ...] | None
    website: str | None
    names: tuple[str, ...]
    provider: str | None
    order: str | None
    requested: datetime
    polled: datetime | None
    next_try: datetime | None
    finished: datetime | None
    attempts: int
    answer: str

    @property
    def idle(self) -> bool:
        """Whether somebody may retry or cancel it."""
        return self.state in ("queued", "waiting")

    @property
    def stoppable(self) -> bool:
        """Whether somebody may ask it to end early."""
        return self.kind == "check" and self.state == "running"


@pages.get("")
@needs(Right.SEE)
def show() -> ResponseReturnValue:
    """The list; polled (`seen`: the version that is shown) while something in it is queued or running."""
    found = _found_entries()
    told_less = None if current_user.may(Right.SEE_HOST) else _entries(found)
    version = found.version_for(told_less)
    polled = hx.wants_partial() and "seen" in request.args
    if polled and request.args["seen"] == version:
        return hx.unchanged()
    answer = _shown(found, told_less or _entries(found), version)
    return hx.stop_polling(answer) if polled and not _busy(found) else answer


@pages.post("/<int:entry>/retry")
@needs(Right.CHECK)
@audited("queue.retry")
def retry(entry: int) -> ResponseReturnValue:
    row = _found(entry)
    try:
        pending.retry(work.instance(), row.id)
    except Failure as failure:
        _refused(failure)
    else:
        work.wake()
        hx.say("The order is tried now, by a check of its account." if row.kind == "order" else "It is tried now.",
               "good")
    if not hx.wants_partial():
        return hx.back(url_for("queue.show"))
    found = _found_entries()
    page = _entries(found)
    return _shown(found, page, found.version_for(None if current_user.may(Right.SEE_HOST) else page))


@pages.get("/<int:entry>/cancel")
@needs(Right.CHECK)
def ask_cancel(entry: int) -> ResponseReturnValue:
    return render_template("queue/cancel.html", entry=_entry(_found(entry)))


@pages.post("/<int:entry>/cancel")
@needs(Right.CHECK)
@audited("queue.cancel")
def cancel(entry: int) -> ResponseReturnValue:
    row = _found(entry)
    try:
        found = pending.cancel(work.instance(), row.id)
    except Failure as failure:
        _refused(failure)
    else:
        hx.say(STOPPING if found["state"] == "running" else "The entry is cancelled.", "good")
    return hx.redirect(url_for("queue.show"))


def _found(entry: int) -> models.QueueEntry:
    """404 for an entry that is not there, or somebody else's: that is not told apart."""
    known = (_row.id == entry) & pending.reached(current_user.reach)
    row = _row.get_or_none(known) if entry <= LARGEST_ID else None
    if row is None:
        abort(404)
    note(object=f"{row.id} {row.kind} {row.website or row.account or row.key.partition(':')[2]}"[:200])
    return row


def _refused(failure: Failure) -> None:
    note(result="refused")
    text = "That entry is over already." if failure.code == "entry_unknown" else sentence(failure)
    hx.say(text, "warn")


def _found_entries() -> Watched:
    """The rows that are asked for, and further whether something among all that one sees is queued or running."""
    over = _is_over()
    columns, usual = (OVER, "-finished") if over else (COLUMNS, "requested")
    ask = asked(columns, usual, {"show": (PENDING, HISTORY), "kind": KINDS})
    mine = pending.reached(current_user.reach)
    states = _row.finished_at.is_null(False) if over else _row.state.in_(pending.ACTIVE)
    query = _row.select().where(states & mine & pending.holds(ask.q, current_user.reach))
    if ask.filters["kind"]:
        query = query.where(_row.kind == ask.filters["kind"])
    at_work = fn.EXISTS(_row.select(_row.id).where(_row.state.in_(_BUSY) & mine))
    return watched(ask, query, columns, usual, SHOWN, at_work)


def _busy(found: Watched) -> bool:
    """Whether the list has to be asked for again; the history has not."""
    return bool(found.further[0]) and not _is_over()


def _entries(found: Watched) -> Page:
    page = found.page()
    return replace(page, rows=[_entry(row) for row in page.rows], path=url_for("queue.show"))


def _shown(found: Watched, page: Page, version: str) -> str:
    return hx.page_or_partial(
        "queue/index.html", PARTIAL, page=page, over=_is_over(), busy=_busy(found), version=version, now=now()
    )


def _is_over() -> bool:
    return request.args.get("show") == HISTORY


def _entry(row: models.QueueEntry) -> Entry:
    payload = json.loads(row.payload)
    accounts = payload.get("accounts")
    host = current_user.may(Right.SEE_HOST)  # the address of an order tells the host's account at the CA
    return Entry(
        row.id,
        row.kind,
        row.state,
        row.account,
        None if accounts is None else tuple(accounts),
        row.website,
        tuple(payload.get("names", ())),
        row.provider,
        row.order_url if host else None,
        row.requested_at,
        row.polled_at,
        None if row.state == "running" else row.run_after,
        row.finished_at,
        row.attempts,
        row.answer if host else _owners_words(row),
    )


def _owners_words(row: models.QueueEntry) -> str:
    if row.kind == "order" and row.state == "waiting" and pending.is_waiting(row):
        return LIMITED
    return _OWNERS_WORDS.get(row.state, row.answer)
