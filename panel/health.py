"""What a supervisor and a load balancer ask: is the process alive, and can it work? A word; nothing about the host.

`/healthz` fails when only a new process helps: a thread is gone, or the clock stands still. `/readyz` fails then, and
when the database does not answer, which a new process would not change. Both cost the same on every host.
"""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from peewee import DatabaseError

from panel.access import public
from panel.work import running_background

pages = Blueprint("health", __name__)


@pages.get("/healthz")
@public
def live() -> ResponseReturnValue:
    """The process answers, and does by itself what it has to. Under a WSGI server it has nothing to do by itself."""
    background = running_background()
    reason = "" if background is None else background.stuck()
    return (jsonify(status="failing", reason=reason), 503) if reason else jsonify(status="ok")


@pages.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """And its database answers."""
    current_app.extensions["autossl"].database.execute_sql("SELECT 1 FROM setting LIMIT 1")
    return live()


@pages.errorhandler(DatabaseError)
def broken(error: DatabaseError) -> ResponseReturnValue:
    """Also where the connection could not be opened before the view."""
    return jsonify(status="failing", reason="database"), 503
