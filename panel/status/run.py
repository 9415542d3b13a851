"""*Run AutoSSL* for one account: asked for, watched."""

from __future__ import annotations

from flask import make_response, request
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from panel import hx, work
from panel.access import account_scope, needs
from panel.audit import audited, note
from panel.status.account import frame, pages, path
from panel.wording import sentence

PARTIAL = "status/_check.html"
OVER = "autossl-checked"
"""The event by which the list of names learns that it is out of date."""

_WORDS = {
    "done": ("The check is over. Everything went well.", "good"),
    "failed": ("The check is over. The list says what is left to do.", "warn"),
    "stopped": ("The check was stopped before its end.", "warn"),
}


@pages.get("/status/<account>/check")
@needs(Right.SEE)
@account_scope
def progress(account: str) -> ResponseReturnValue:
    """Polled while a check is queued or under way; `seen` is the version that the page shows."""
    if not hx.wants_partial():
        return hx.redirect(path(account))
    state = frame(account)
    if state.check.state:
        same = state.check.version == request.args.get("seen")
        return hx.unchanged() if same else hx.partial_only(PARTIAL, frame=state)
    result = state.check.last.result if state.check.last else ""
    hx.say(*_WORDS.get(result, ("The check is over.", "info")))
    answer = hx.stop_polling(hx.partial_only(PARTIAL, frame=state))
    answer.headers["HX-Trigger"] = OVER
    return answer


@pages.post("/status/<account>/check")
@needs(Right.CHECK)
@account_scope
@audited("account.check")
def check(account: str) -> ResponseReturnValue:
    state = frame(account)
    if state.off:
        note(result="refused")
        hx.say(state.off, "bad")
        return _answer(account)
    try:
        entry, joined = work.ask_for_check([account], forced=True)
    except Failure as failure:
        note(result="refused")
        hx.say(sentence(failure), "bad")
        return _answer(account)
    if joined:
        since = f"{entry.requested_at:%Y-%m-%d %H:%M} UTC"
        hx.say(f"A check was asked for already, {since}; this request joined it.")
    else:
        hx.say("The check was asked for.", "good")
    return _answer(account)


def _answer(account: str) -> ResponseReturnValue:
    if hx.wants_partial():
        return make_response(hx.partial_only(PARTIAL, frame=frame(account)))
    return hx.back(path(account))
