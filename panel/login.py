"""Signing in, in one step or two, and out."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

import models
from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.wiring import people, sign_in
from jobs.wiring.instance import now
from panel import access, audit, hx, sessions
from panel.wording import sentence

pages = Blueprint("login", __name__)

REFUSED = "That name and password don't belong together."
WRONG_CODE = "That code does not hold. It may be used already: wait for the next one."


class Person(UserMixin):
    """Who is signed in, what they may do, and which accounts they reach."""

    def __init__(self, row: models.User) -> None:
        self.row = row
        self.id: int = row.id
        self.name: str = row.name
        self.role: str = row.role
        self.rights = people.rights_of(row)
        self.reach = people.reach_of(row)

    def may(self, right: str) -> bool:
        """For templates: whether to show what needs `right`."""
        return Right(right) in self.rights


def set_up(app: Flask) -> None:
    manager = LoginManager()
    manager.session_protection = None
    """Ours is in `jobs/policy/sessions.py`: Flask-Login's believes X-Forwarded-For, and weakens where a session is
    permanent."""
    manager.init_app(app)

    @manager.user_loader
    def load(user_id: str) -> Person | None:
        kept = sessions.current()
        if kept is None or kept.user is None or str(kept.user.id) != user_id:
            return None
        return Person(kept.user)

    @manager.unauthorized_handler
    def unauthorized() -> ResponseReturnValue:
        """To the login page, which leads back: to the page itself, or to the one whose form or part asked."""
        back = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
        if request.method == "GET" and not hx.is_htmx():
            back = request.full_path.rstrip("?")
        path = hx.local_path(back)
        return hx.redirect(url_for("login.show", next=path if path != "/" else None))


@pages.get("/login")
@access.public
def show() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(access.landing())
    return _form(request.args.get("next", ""))


@pages.post("/login")
@access.public
@audit.audited("session.begin")
def sign_in_() -> ResponseReturnValue:
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    back = request.form.get("next", "")
    try:
        row = sign_in.first_step(name, password, sessions.address(), now())
    except Failure as failure:
        return limited(failure, lambda text: _form(back, name, text))
    _note(row or models.User.get_or_none(models.User.name == name), "refused" if row is None else "")
    if row is None:
        return _form(back, name, REFUSED), 422
    if row.totp_secret is None:
        return _signed_in(row, back)
    audit.note(result="password right, code asked for")
    sessions.begin(None, half=row.id, proof=_proof(row), next=hx.local_path(back))
    return redirect(url_for("login.ask_code"), 303)


@pages.get("/login/code")
@access.public
def ask_code() -> ResponseReturnValue:
    return redirect(url_for("login.show")) if _half() is None else _code_form()


@pages.post("/login/code")
@access.public
@audit.audited("session.begin")
def check_code() -> ResponseReturnValue:
    row = _half()
    if row is None:
        return redirect(url_for("login.show"), 303)
    try:
        right = sign_in.second_step(row, request.form.get("code", "")[:64], sessions.address(), now())
    except Failure as failure:
        return limited(failure, _code_form)
    _note(row, "" if right else "refused")
    if not right:
        return _code_form(WRONG_CODE), 422
    return _signed_in(row, session.get("next", ""))


@pages.post("/logout")
@access.needs(Right.SELF)
@audit.audited("session.end")
def sign_out() -> ResponseReturnValue:
    audit.note(object=current_user.name)
    logout_user()
    sessions.end()
    return redirect(url_for("login.show"), 303)


def limited(failure: Failure, form: Any) -> ResponseReturnValue:
    """The same form again, with the time to wait. Any other failure goes on."""
    if failure.code != "login_limited" or failure.retry_at is None:
        raise failure
    left = max(failure.retry_at - now(), timedelta(seconds=1))
    minutes = -(-left // timedelta(minutes=1))
    text = f"{sentence(failure)} Try again in {minutes} min."
    return form(text), 429, {"Retry-After": str(-(-left // timedelta(seconds=1)))}


def _note(row: models.User | None, result: str) -> None:
    """For the audit log: whose sign-in it is. What was typed for a name that nobody has may be a password."""
    if row is not None:
        audit.note(who=row.name, role=row.role, object=row.name, result=result)


def _signed_in(row: models.User, back: str) -> ResponseReturnValue:
    sessions.begin(row)
    login_user(Person(row))
    return redirect(hx.local_path(back) or access.landing(), 303)


def _half() -> models.User | None:
    """Who gave the right password in this session and not yet the code."""
    kept = sessions.current()
    if kept is None or kept.user is not None:
        return None
    row = models.User.get_or_none(models.User.id == session.get("half"))
    usable = row is not None and row.totp_secret is not None and _proof(row) == session.get("proof")
    return row if usable else None


def _proof(row: models.User) -> str:
    """Which password was given, so that a change of it ends sign-ins that are half-way too."""
    return hashlib.sha256(str(row.password).encode()).hexdigest()


def _form(back: str, name: str = "", error: str = "") -> str:
    return render_template("login/login.html", name=name[:64], error=error, back=hx.local_path(back))


def _code_form(error: str = "") -> str:
    return render_template("login/code.html", error=error)
