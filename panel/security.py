"""One's own sign-in on one page; here are the password and the sessions, beside it second factor and tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import models
from jobs.policy.access import Right, Scope
from jobs.policy.failure import Failure
from jobs.wiring import people, second_factor, sign_in, tokens
from jobs.wiring import sessions as kept_sessions
from jobs.wiring.instance import now
from panel import hx, sessions
from panel.access import needs, visible_accounts
from panel.agents import browser_name
from panel.audit import audited, note
from panel.login import limited
from panel.wording import sentence

pages = Blueprint("security", __name__)

WRONG = "That is not your password."
DIFFERENT = "The two new passwords differ."
MOST_CHOICES = 200
"""Accounts offered for a token; a longer list is no help, and the name can be typed."""


@pages.get("/security")
@needs(Right.SELF)
def show() -> ResponseReturnValue:
    return page()


@pages.post("/security/password")
@needs(Right.SELF)
@audited("password.change")
def change_password() -> ResponseReturnValue:
    note(object=current_user.name)
    refusal = unconfirmed(lambda text: page("password", text))
    if refusal is not None:
        return refusal
    password = request.form.get("new", "")
    if password != request.form.get("again", ""):
        return page("password", DIFFERENT)
    try:
        people.set_password(current_user.row, password)
    except Failure as failure:
        return page("password", sentence(failure))
    end_others()
    hx.say("The password is changed. Other browsers are signed out.", "good")
    return hx.redirect(url_for("security.show"))


@pages.post("/security/sessions/end")
@needs(Right.SELF)
@audited("session.revoke")
def end_session() -> ResponseReturnValue:
    if not kept_sessions.end(request.form.get("session", ""), current_user.row):
        abort(404)
    hx.say("That browser is signed out.", "good")
    return hx.redirect(url_for("security.show"))


@pages.post("/security/sessions/end-others")
@needs(Right.SELF)
@audited("session.revoke")
def end_other_sessions() -> ResponseReturnValue:
    note(object="all others")
    end_others()
    hx.say("All other browsers are signed out.", "good")
    return hx.redirect(url_for("security.show"))


def unconfirmed(form: Callable[[str], tuple[str, int]]) -> ResponseReturnValue | None:
    """What to answer if the request does not carry the user's own password: `form` with a sentence. None if it does."""
    try:
        password = request.form.get("password", "")
        if sign_in.confirm(current_user.row, password, sessions.address(), now()):
            return None
    except Failure as failure:
        return limited(failure, lambda text: form(text)[0])
    note(result="refused")
    return form(WRONG)


def end_others() -> None:
    """Sign out every other browser of the user, and change this one's id: what a session may do has changed."""
    sessions.rotate()
    kept = sessions.current()
    kept_sessions.end_all(current_user.row, None if kept is None else kept.hash)


def page(section: str = "", error: str = "", **values: Any) -> tuple[str, int]:
    """The whole page; with `error` beside the form of `section`, and the `values` that were typed there."""
    user = current_user.row
    kept = sessions.current()
    known = visible_accounts(current_user) & models.Account.gone_at.is_null()
    choices = models.Account.select(models.Account.name).where(known).order_by(models.Account.name)
    text = render_template(
        "security/index.html",
        section=section,
        error=error,
        values=values,
        here="" if kept is None else kept.hash,
        sessions=kept_sessions.listed(user, sessions.limits(), now()),
        browser_name=browser_name,
        totp=user.totp_secret is not None,
        codes_left=second_factor.backup_codes_left(user),
        tokens=tokens.listed(user),
        scopes=list(Scope),
        accounts=[name for (name,) in choices.limit(MOST_CHOICES).tuples()],
        usual_days=tokens.USUAL_DAYS,
        most_days=tokens.MOST_DAYS,
        shortest=people.SHORTEST,
    )
    return text, 422 if error else 200
