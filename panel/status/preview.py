"""*Preview*: what a check of the account would do and why, found out without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.wiring import questions
from panel import hx
from panel.access import account_scope, needs
from panel.audit import audited, note
from panel.status.account import frame, pages
from panel.wording import sentence
from panel.work import instance

PARTIAL = "status/_preview.html"
DECISIONS: Mapping[str, tuple[str, str]] = {
    "keep": ("Keep", "good"),
    "install only": ("Install", "busy"),
    "order": ("Order", "busy"),
    "leave alone": ("Leave alone", "idle"),
    "defer": ("Wait", "warn"),
    "blocked": ("Can't order", "bad"),
}
"""What would be done with a website, and its colour."""


@pages.get("/status/<account>/preview")
@needs(Right.SEE)
@account_scope
def preview(account: str) -> ResponseReturnValue:
    """The newest preview; polled (`seen`: the state that is shown) until it is there."""
    asked = questions.latest(questions.PREVIEW, account)
    state = asked.state if asked else ""
    if hx.wants_partial() and state == request.args.get("seen") == "running":
        return hx.unchanged()
    context = {"frame": frame(account), "asked": asked, "report": _report(asked), "decisions": DECISIONS}
    answer = hx.page_or_partial("status/preview.html", PARTIAL, **context)
    return hx.stop_polling(answer) if hx.wants_partial() and state != "running" else answer


@pages.post("/status/<account>/preview")
@needs(Right.CHECK)
@account_scope
@audited("account.preview")
def begin_preview(account: str) -> ResponseReturnValue:
    state = frame(account)
    try:
        if state.off:
            raise Failure("account_skipped", state.off)
        _, joined = questions.preview(instance(), account)
    except Failure as failure:
        note(result="refused")
        hx.say(sentence(failure), "warn")
    else:
        hx.say("A preview is being made already." if joined else "The preview is being made.")
    return hx.redirect(url_for("status.preview", account=account))


def _report(asked: questions.Question | None) -> dict[str, Any] | None:
    """The websites of the plan, those with something to do first."""
    if asked is None or asked.state != "done":
        return None
    report = questions.planned(instance(), asked)
    if report is None:
        return None
    order = list(DECISIONS)
    urgent = {"blocked": -3, "defer": -2, "order": -1}
    report["websites"].sort(key=lambda one: (urgent.get(one["decision"], order.index(one["decision"])), one["website"]))
    return report
