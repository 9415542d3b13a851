"""The check of all accounts, from the header: asked for, watched, stopped."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from panel import hx, work
from panel.access import needs
from panel.audit import audited
from panel.header import last_run, under_way

pages = Blueprint("running", __name__, url_prefix="/running")

PARTIAL = "_running.html"


@pages.get("")
@needs(Right.SEE_HOST)
def show() -> ResponseReturnValue:
    """Polled by the header while a check is under way; `seen` is the version that it shows."""
    if not hx.wants_partial():
        return hx.redirect(url_for("overview.show"))
    state = under_way()
    if state is None:
        hx.say(last_run())
        return hx.stop_polling(hx.partial_only(PARTIAL))
    return hx.unchanged() if state.version == request.args.get("seen") else hx.partial_only(PARTIAL)


@pages.post("")
@needs(Right.HOST)
@audited("check.all")
def begin() -> ResponseReturnValue:
    entry, joined = work.ask_for_check(None)
    if joined:
        since = f"{entry.requested_at:%Y-%m-%d %H:%M} UTC"
        hx.say(f"A check of all accounts was asked for already, {since}; this request joined it.")
    else:
        hx.say("The check of all accounts was asked for.", "good")
    return _answer()


@pages.post("/stop")
@needs(Right.HOST)
@audited("check.stop")
def stop() -> ResponseReturnValue:
    if work.stop_running():
        hx.say("The check ends after the account that it works on.", "good")
    else:
        hx.say("No check is running that was not asked to stop already.")
    return _answer()


def _answer() -> ResponseReturnValue:
    return hx.partial_only(PARTIAL) if hx.wants_partial() else hx.back(url_for("overview.show"))
