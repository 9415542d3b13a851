"""What every request and every answer of the panel has: a database connection, CSRF protection, security headers,
and a page or a sentence for each way in which a request can end badly."""

from __future__ import annotations

from typing import cast

from flask import Flask, Response, current_app, g, render_template, request, url_for
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from peewee import DatabaseError, SqliteDatabase
from werkzeug.exceptions import HTTPException

from jobs import visitors
from jobs.policy.access import Right
from jobs.policy.customer_words import for_host, for_owner
from jobs.policy.disk_trouble import disk_trouble
from jobs.policy.failure import Failure
from panel import hx, lasting
from panel.access import is_public

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

csrf = CSRFProtect()
"""`csrf.exempt(blueprint)` is for what takes no cookie: the JSON API with its tokens."""

_FAILED = ("Something failed", "The panel could not answer; its own log says why.")
_PAGES = {
    400: ("That did not work", "The form was too old or not from this panel. Go back, reload the page and try again."),
    403: ("Not allowed", "This page is not for you."),
    404: ("Nothing here", "There is no page at this address."),
    405: ("Not possible", "This address does not take requests of this kind."),
    409: ("Not now", "What was asked for does not go together with the present state. Reload the page."),
    413: ("Too much", "The request is larger than this panel takes."),
    422: ("That did not work", "Something in the form can't be used. Go back and check it."),
    429: ("Too many attempts", "Wait a while, then try again."),
    500: _FAILED,
}


def guard(app: Flask, database: SqliteDatabase) -> None:
    """Attach to `app`. The database is opened for a request, in whichever thread that runs, and closed after it or kept
    for the next one (`panel/lasting.py`). While one is under way, a check gives way (`jobs/visitors.py`)."""

    @app.before_request
    def before() -> None:
        if request.endpoint != "static":
            if _is_awaited():
                visitors.came()
                g.counted = True
            lasting.opened(database)

    @app.teardown_request
    def after(error: BaseException | None) -> None:
        if g.pop("counted", False):
            visitors.went()
        lasting.ended(database, error is None and g.pop("went_well", False))

    @app.after_request
    def answer(response: Response) -> Response:
        g.went_well = response.status_code < 400
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    app.config.update(
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session, which has a limit of its own
        WTF_CSRF_SSL_STRICT=False,  # a Referer may be missing; the token belongs to a session with a __Host- cookie
    )
    csrf.init_app(app)
    app.register_error_handler(CSRFError, _csrf_failed)
    app.register_error_handler(HTTPException, _error_page)
    app.register_error_handler(Failure, _failure_page)
    app.register_error_handler(DatabaseError, _database_page)


def _is_awaited() -> bool:
    """Whether a check gives way to this request: to a page for who is signed in (`panel/access.py` has decided before).
    What everybody may ask is asked by anybody; what a form sends may come as slowly as its sender likes."""
    known = request.endpoint is not None and not is_public(current_app, request.endpoint)
    return known and request.method == "GET"


def _csrf_failed(error: CSRFError) -> ResponseReturnValue:
    """A form whose session has ended is no attack: its sender signs in again, and comes back to the form."""
    if current_user.is_authenticated or request.endpoint is None or is_public(current_app, request.endpoint):
        return _error_page(error)
    back = hx.local_path(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    return hx.redirect(url_for("login.show", next=back or None))


def _error_page(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return cast(Response, error.response)
    if request_ctx.url_adapter is None:  # the Host header is no host, so no page can be made: it has links
        return cast(ResponseReturnValue, error.get_response())
    code = error.code or 500
    title, text = _PAGES.get(code, _FAILED)
    return _told(title, text, code)


def _failure_page(failure: Failure, code: int = 409) -> ResponseReturnValue:
    """A step that could not be done, and that no view had a better place for; who does not see the host is told
    nothing of its inside."""
    host = current_user.is_authenticated and current_user.may(Right.SEE_HOST)
    words = (for_host if host else for_owner)(failure.code, failure.detail)
    return _told(words.title, words.detail or words.remedy, code, words.remedy if words.detail else "")


def _database_page(error: DatabaseError) -> ResponseReturnValue:
    """A database that is full, locked or damaged; a mistake of ours is none of these."""
    failure = disk_trouble(error, "what was asked for")
    if failure is None:
        raise error
    return _failure_page(failure, 503)


def _told(title: str, text: str, code: int, remedy: str = "") -> ResponseReturnValue:
    if hx.is_htmx():
        return hx.error(f"{title}: {text} {remedy}".rstrip(), code)
    return render_template("error.html", title=title, text=text, remedy=remedy), code
