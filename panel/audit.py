"""What of the panel's requests comes into the audit log, and the page that shows it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, g, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from peewee import DatabaseError

import models
from jobs.policy.access import Right
from jobs.wiring import audit
from panel import hx
from panel.access import needs
from panel.paging import asked, paginate
from panel.sessions import address

View = TypeVar("View", bound=Callable[..., Any])

pages = Blueprint("audit", __name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ACTION = "__audited__"
NEWEST_FIRST = "-at"
_RESULTS = {422: "invalid", 429: "limited"}
_log = logging.getLogger("autossl.audit")


def audited(action: str) -> Callable[[View], View]:
    """Name what a view does: every one that takes more than GET has such a name."""

    def mark(view: View) -> View:
        setattr(view, _ACTION, action)
        return view

    return mark


def note(**facts: str) -> None:
    """Say more about the request under way: `object`, or `who`, `role` and `result` where the request can't tell."""
    g.audit = {**g.get("audit", {}), **facts}


def instead(**facts: str) -> None:
    """Say all of the request under way, for the API: there the function, not the method, says whether something
    changes. Without facts it leaves no entry; else they are `action`, `who`, `role` and `object`."""
    g.audit = facts


def guard(app: Flask) -> None:
    """Write an entry for every request of somebody known that is not only a look. Attached before what refuses."""

    @app.before_request
    def who() -> None:
        if request.method not in SAFE and current_user.is_authenticated:
            note(who=current_user.name, role=current_user.role)

    @app.after_request
    def write(response: Response) -> Response:
        said = g.get("audit", {})
        if request.endpoint is None or "who" not in said or (request.method in SAFE and "action" not in said):
            return response
        action = said.get("action") or getattr(app.view_functions[request.endpoint], _ACTION)
        about = said.get("object") or " ".join(str(value) for value in (request.view_args or {}).values())
        result = said.get("result") or _result(response.status_code)
        try:
            audit.record(said["who"], said["role"], action, about, address(), result)
        except DatabaseError as error:  # what was done was done, so its answer stays; and it is told in the journal
            _log.warning("not in the audit log (%s): %s %s by %s: %s", error, action, about, said["who"], result)
        return response


def check(app: Flask) -> None:
    """Raises LookupError for a view that changes something and has no name for it."""
    for rule in app.url_map.iter_rules():
        if (rule.methods or set()) - SAFE and not hasattr(app.view_functions[rule.endpoint], _ACTION):
            raise LookupError(f"{rule.endpoint}: a view that takes more than GET says @audited(...)")


@pages.get("/audit")
@needs(Right.AUDIT)
def show() -> ResponseReturnValue:
    row = models.AuditEntry
    columns = {"at": row.id, "who": (row.who, row.id), "action": (row.action, row.id), "result": (row.result, row.id)}
    ask = asked(columns, NEWEST_FIRST)
    page = paginate(ask, row.select().where(audit.holds(ask.q)), columns, NEWEST_FIRST)
    return hx.page_or_partial("audit/index.html", "audit/_entries.html", page=page)


def _result(status: int) -> str:
    if status < 400:
        return "done"
    return _RESULTS.get(status, "refused" if status < 500 else "failed")
