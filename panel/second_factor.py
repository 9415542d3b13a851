"""Switching the second step of one's sign-in on and off, and its backup codes."""

from __future__ import annotations

import socket

import segno
from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from jobs.policy.access import Right
from jobs.wiring import second_factor
from jobs.wiring.instance import now
from panel import hx
from panel.access import needs
from panel.audit import audited, note
from panel.security import end_others, page, unconfirmed

pages = Blueprint("second_factor", __name__)

PENDING = "totp_pending"
"""Where the session keeps a secret that is not proven yet."""

WRONG = "That code does not belong to this secret. Check that the clocks of this server and your phone are right."


@pages.get("/security/totp")
@needs(Right.SELF)
def show() -> ResponseReturnValue:
    if current_user.row.totp_secret is not None:
        return redirect(url_for("security.show"))
    return _page()


@pages.post("/security/totp")
@needs(Right.SELF)
@audited("totp.on")
def switch_on() -> ResponseReturnValue:
    note(object=current_user.name)
    if current_user.row.totp_secret is not None or PENDING not in session:
        return redirect(url_for("second_factor.show"), 303)
    refusal = unconfirmed(_page)
    if refusal is not None:
        return refusal
    codes = second_factor.switch_on(current_user.row, session[PENDING], request.form.get("code", "")[:64], now())
    if codes is None:
        return _page(WRONG)
    session.pop(PENDING)
    end_others()
    hx.say("Two-step sign-in is on. Other browsers are signed out.", "good")
    return render_template("security/codes.html", codes=codes)


@pages.post("/security/totp/off")
@needs(Right.SELF)
@audited("totp.off")
def switch_off() -> ResponseReturnValue:
    note(object=current_user.name)
    refusal = unconfirmed(lambda text: page("totp", text))
    if refusal is not None:
        return refusal
    second_factor.switch_off(current_user.row)
    end_others()
    hx.say("Two-step sign-in is off.", "good")
    return hx.redirect(url_for("security.show"))


@pages.post("/security/codes")
@needs(Right.SELF)
@audited("totp.codes")
def make_codes() -> ResponseReturnValue:
    note(object=current_user.name)
    refusal = unconfirmed(lambda text: page("codes", text))
    if refusal is not None:
        return refusal
    if current_user.row.totp_secret is None:
        return redirect(url_for("security.show"), 303)
    return render_template("security/codes.html", codes=second_factor.new_backup_codes(current_user.row))


def _page(error: str = "") -> tuple[str, int]:
    secret = session.setdefault(PENDING, second_factor.new_secret())
    host = current_app.extensions["autossl"].config.panel.hostname or socket.gethostname()
    code = segno.make(second_factor.address_of(secret, current_user.name, host), error="m", micro=False)
    shown = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    picture = code.svg_data_uri(border=4, light="#fff", dark="#000")
    text = render_template("security/totp.html", secret=shown, picture=picture, error=error)
    return text, 422 if error else 200
