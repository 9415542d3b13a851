"""Where `flask.session` is kept: before the sign-in in a signed cookie, from the right password on in a row.

So a visitor who only looks at the login page leaves nothing in the database, and a browser that signed in holds a
random id and nothing else. Whatever uses `flask.session` (CSRF token, Flask-Login) is served alike by both.
"""

from __future__ import annotations

from typing import Any, cast

from flask import Flask, current_app, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin, session_json_serializer
from flask.wrappers import Request, Response

import models
from jobs.policy.sessions import Limits, Visit
from jobs.wiring import sessions
from jobs.wiring.instance import now
from panel import lasting


class PanelSession(SecureCookieSession):
    """`kept` is the row behind it, if there is one; `identifier` a fresh id that the browser does not know yet."""

    kept: sessions.Kept | None = None
    identifier: str = ""


class Sessions(SecureCookieSessionInterface):
    """Opens and saves the session of a request. `limits`: for how long, and for whom, a row holds."""

    session_class = PanelSession

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def open_session(self, app: Flask, request: Request) -> PanelSession | None:
        sent = request.cookies.get(self.get_cookie_name(app), "")
        if request.path.startswith(f"{app.static_url_path}/"):
            return PanelSession()
        if not sessions.is_id(sent):
            return cast("PanelSession | None", super().open_session(app, request))
        lasting.opened(models.database)
        kept = sessions.find(sent, visit(request), self.limits, now())
        if kept is None:
            return PanelSession()
        opened = PanelSession(session_json_serializer.loads(kept.data))
        opened.kept = kept
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        saved = cast(PanelSession, session)
        if saved.kept is None:
            super().save_session(app, session, response)
            return
        response.vary.add("Cookie")
        if saved.modified:
            sessions.keep(saved.kept, session_json_serializer.dumps(dict(saved)))
        if saved.identifier:
            response.set_cookie(
                self.get_cookie_name(app),
                saved.identifier,
                path=self.get_cookie_path(app),
                secure=self.get_cookie_secure(app),
                httponly=self.get_cookie_httponly(app),
                samesite=self.get_cookie_samesite(app),
            )


def visit(request: Request) -> Visit:
    """From where a request comes: the socket's own address, never a header that the browser may set."""
    address = (request.remote_addr or "").removeprefix("::ffff:")
    return Visit(address, request.user_agent.string)


def address() -> str:
    """The address of the request under way."""
    return visit(request).address


def current() -> sessions.Kept | None:
    """The row behind the session of the request under way."""
    return _open().kept


def limits() -> Limits:
    """For how long, and for whom, a session holds."""
    return cast(Sessions, current_app.session_interface).limits


def begin(user: models.User | None, **data: Any) -> None:
    """Make a new session in place of the one there is. Nothing of that one lives on: neither id nor CSRF token."""
    _renew(user, fresh=True)
    session.update(data)


def rotate() -> None:
    """Change the id of a session that is signed in, after what it may do has changed."""
    former = _open()
    if former.kept is None:
        raise LookupError("there is no session to go on with")
    data = {key: value for key, value in former.items() if key != "csrf_token"}
    _renew(former.kept.user, fresh=False)
    session.update(data)


def end() -> None:
    """Sign out this browser."""
    opened = _open()
    if opened.kept is not None:
        sessions.end(opened.kept.hash)
        opened.kept = None
    session.clear()


def _renew(user: models.User | None, fresh: bool) -> None:
    opened = _open()
    former = opened.kept
    since = None if fresh or former is None else former.created_at
    opened.identifier, opened.kept = sessions.begin(user, visit(request), limits(), now(), since)
    if former is not None:
        sessions.end(former.hash)
    session.clear()


def _open() -> PanelSession:
    return cast(PanelSession, session._get_current_object())  # type: ignore[attr-defined]
