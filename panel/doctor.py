"""What is wrong with this host, as `autossl doctor` says it: found out when somebody asks, shown until asked again."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.doctor import State
from jobs.policy.failure import Failure
from jobs.wiring import questions
from panel import hx
from panel.access import needs
from panel.audit import audited, note
from panel.wording import SERVICES, sentence
from panel.work import instance

pages = Blueprint("doctor", __name__, url_prefix="/doctor")

PARTIAL = "doctor/_found.html"
COLOURS: Mapping[str, str] = {
    State.WRONG: "bad",
    State.WARNING: "warn",
    State.FINE: "good",
    State.NOT_APPLICABLE: "idle",
}


@pages.get("/")
@needs(Right.SEE_HOST)
def show() -> ResponseReturnValue:
    """The newest answer; polled (`seen`: the state that is shown) until it is there."""
    asked = questions.latest(questions.DOCTOR, questions.HOST)
    state = asked.state if asked else ""
    if hx.wants_partial() and state == request.args.get("seen") == "running":
        return hx.unchanged()
    answer = hx.page_or_partial("doctor/index.html", PARTIAL, asked=asked, colours=COLOURS, titles=SERVICES)
    return hx.stop_polling(answer) if hx.wants_partial() and state != "running" else answer


@pages.post("/")
@needs(Right.HOST)
@audited("doctor.ask")
def ask() -> ResponseReturnValue:
    try:
        _, joined = questions.examine(instance())
    except Failure as failure:
        note(result="refused")
        hx.say(sentence(failure), "warn")
    else:
        hx.say("This host is being looked at already." if joined else "This host is being looked at.")
    return hx.redirect(url_for("doctor.show"))
