"""The first page after the sign-in: what AutoSSL is doing, in a few figures."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template
from flask_login import login_required

from jobs.wiring.overview import overview

pages = Blueprint("overview", __name__)


@pages.get("/")
@login_required
def show() -> str:
    return render_template("overview/index.html", state=overview(current_app.extensions["autossl"]))
