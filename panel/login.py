"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, render_template, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from werkzeug.wrappers import Response

import models
from jobs.policy.failure import Failure
from jobs.wiring import people
from jobs.wiring.instance import now

pages = Blueprint("login", __name__)
attempts = people.Attempts()

REFUSED = "That name and password don't belong together."


class Person(UserMixin):
    """Who is signed in. Its id is the session key, so that changing the key in the table ends every session."""

    def __init__(self, row: models.User) -> None:
        self.name: str = row.name
        self.role: str = row.role
        self.id: str = row.session_key


def set_up(app: Flask) -> None:
    manager = LoginManager()
    manager.session_protection = "strong"
    manager.login_view = "login.show"
    manager.login_message = None
    manager.init_app(app)

    @manager.user_loader
    def load(session_key: str) -> Person | None:
        row = people.find_session(session_key)
        return None if row is None else Person(row)


@pages.get("/login")
def show() -> str | Response:
    if current_user.is_authenticated:
        return redirect(url_for("overview.show"))
    return render_template("login/login.html", name="", error="")


@pages.post("/login")
def sign_in() -> str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    try:
        row = people.check_login(attempts, name, password, request.remote_addr or "", now())
    except Failure as failure:
        if failure.code != "login_limited" or failure.retry_at is None:
            raise
        seconds = max(1, int((failure.retry_at - now()).total_seconds()) + 1)
        text = f"Too many failed attempts. Try again in {-(-seconds // 60)} min."
        return _again(name, text), 429, {"Retry-After": str(seconds)}
    if row is None:
        return _again(name, REFUSED), 422
    session.clear()  # nothing of the session before the sign-in lives on; not permanent: that would weaken "strong"
    login_user(Person(row))
    return redirect(url_for("overview.show"), 303)


@pages.post("/logout")
@login_required
def sign_out() -> Response:
    logout_user()
    session.clear()
    return redirect(url_for("login.show"), 303)


def _again(name: str, error: str) -> str:
    return render_template("login/login.html", name=name[:64], error=error)
