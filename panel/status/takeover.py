"""A website whose certificate is somebody else's is given to AutoSSL, or left alone again."""

from __future__ import annotations

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from jobs.policy.access import Right
from jobs.policy.other_clients import OUT_OF_MOD_MD
from jobs.wiring import options, questions
from jobs.wiring import takeover as switches
from jobs.wiring.coverage import account_status
from panel import hx
from panel.access import account_scope, needs
from panel.audit import audited, note
from panel.status.account import pages
from panel.work import instance


@pages.post("/status/<account>/websites/<website>/takeover")
@needs(Right.CHECK)
@account_scope
@audited("website.takeover")
def takeover(account: str, website: str) -> ResponseReturnValue:
    """It is switched on only by a second request, after what it means was read."""
    found = questions.website(account, website)
    if found is None or found.part_of is not None:
        abort(404)
    if not may_take_over():
        abort(403)
    choice = request.form.get("choice")
    if choice not in ("on", "off"):
        abort(400)
    note(object=f"{account} {website} {choice}")
    if choice == "on" and "confirmed" not in request.form:
        note(result="asked first")
        site = next(one for one in account_status(instance(), account) if one.website == website)
        return render_template("status/takeover.html", account=account, site=site,
                               out_of_mod_md=OUT_OF_MOD_MD)
    switches.switch([website], choice == "on")
    done = {"on": "The next check replaces the certificate.", "off": "Certificates of others are left alone again."}
    hx.say(done[choice], "good")
    return hx.redirect(url_for("status.website", account=account, website=website))


def may_take_over() -> bool:
    """Who manages the account; its own user only where the administrator allows it."""
    if current_user.may(Right.MANAGE):
        return True
    return bool(current_user.may(Right.CHECK)) and options.load(instance().config).users_take_over


pages.add_app_template_global(may_take_over, "may_take_over")
