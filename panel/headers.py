"""What every request and every answer of the panel has: a database connection, CSRF protection, security headers."""

from __future__ import annotations

import hmac
import secrets

from flask import Flask, Response, abort, render_template, request, session
from peewee import SqliteDatabase
from werkzeug.exceptions import HTTPException

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No Strict-Transport-Security: the panel begins with a self-signed certificate and may have to fall back to one."""

HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

_PAGES = {
    400: ("That did not work", "The form was too old or not from this panel. Go back, reload the page and try again."),
    403: ("Not allowed", "This page is not for you."),
    404: ("Nothing here", "There is no page at this address."),
    405: ("Not possible", "This address does not take requests of this kind."),
    413: ("Too much", "The request is larger than this panel takes."),
    429: ("Too many attempts", "Wait a while, then try again."),
}


def guard(app: Flask, database: SqliteDatabase) -> None:
    """Attach to `app`. The database is opened for a request and closed after it, in whichever thread that runs."""

    @app.before_request
    def before() -> None:
        if request.endpoint == "static":
            return
        database.connect(reuse_if_open=True)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            check_csrf()

    @app.teardown_request
    def after(error: BaseException | None) -> None:
        if not database.is_closed():
            database.close()

    @app.after_request
    def answer(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    app.register_error_handler(HTTPException, _error_page)
    app.jinja_env.globals["csrf_token"] = csrf_token


def csrf_token() -> str:
    """The token of this session, made at the first use."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    token: str = session["csrf"]
    return token


def check_csrf() -> None:
    """Aborts with 400 unless the form carries this session's token."""
    sent, kept = request.form.get("csrf", ""), session.get("csrf", "")
    if not kept or not hmac.compare_digest(sent.encode(), kept.encode()):
        abort(400)


def _error_page(error: HTTPException) -> Response | tuple[str, int]:
    if error.response is not None:
        return Response(error.response.get_data(), error.response.status_code)
    code = error.code or 500
    title, text = _PAGES.get(code, ("Something failed", "The panel could not answer; its own log says why."))
    return render_template("error.html", title=title, text=text), code
