"""One's own API tokens: made, shown once, revoked."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.wiring import tokens
from panel import hx
from panel.access import needs
from panel.audit import audited, note
from panel.security import page, unconfirmed
from panel.wording import sentence

pages = Blueprint("own_tokens", __name__)


@pages.post("/security/tokens")
@needs(Right.SELF)
@audited("token.make")
def make() -> ResponseReturnValue:
    typed = {key: request.form.get(key, "").strip() for key in ("label", "scope", "account", "days")}
    refusal = unconfirmed(lambda text: page("tokens", text, **typed))
    if refusal is not None:
        return refusal
    days = typed["days"]
    try:
        count = int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0
        text, facts = tokens.make(current_user.row, typed["label"], typed["scope"], typed["account"] or None, count)
    except Failure as failure:
        return page("tokens", sentence(failure), **typed)
    note(object=f"{facts['token']} {facts['scope']}")
    return render_template("security/token.html", text=text, token=facts)


@pages.post("/security/tokens/revoke")
@needs(Right.SELF)
@audited("token.revoke")
def revoke() -> ResponseReturnValue:
    prefix = request.form.get("token", "")
    note(object=prefix)
    try:
        tokens.revoke(prefix, current_user.row)
    except Failure as failure:
        if failure.code != "token_unknown":
            raise
        abort(404)
    hx.say("The token is revoked.", "good")
    return hx.redirect(url_for("security.show"))
