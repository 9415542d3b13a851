"""The page behind a set-up link: somebody chooses a first or a new password."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.failure import Failure
from jobs.wiring import setup_links
from jobs.wiring.instance import now
from panel import access, audit, hx
from panel.wording import sentence

pages = Blueprint("setup_link", __name__)

OVER = "This link was used already or has expired. Ask for a new one."
DIFFERENT = "The two passwords differ."


@pages.get("/setup/<link>")
@access.public
def show(link: str) -> ResponseReturnValue:
    return _page(link)


@pages.post("/setup/<link>")
@access.public
@audit.audited("password.set")
def choose(link: str) -> ResponseReturnValue:
    user = setup_links.find(link, now())
    if user is None:
        return _page(link)
    audit.note(who=user.name, role=user.role, object=user.name)
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _page(link, DIFFERENT)
    try:
        setup_links.use(link, password, now())
    except Failure as failure:
        if failure.code not in ("password_weak", "link_invalid"):
            raise
        return _page(link, sentence(failure))
    hx.say("The password is set. Sign in with it.", "good")
    return hx.redirect(url_for("login.show"))


def _page(link: str, error: str = "") -> ResponseReturnValue:
    user = setup_links.find(link, now())
    if user is None:
        return render_template("error.html", title="The link holds no more", text=OVER), 404
    return render_template("login/setup.html", link=link, name=user.name, error=error), 422 if error else 200
