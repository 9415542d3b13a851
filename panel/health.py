"""What a supervisor asks: is the process alive, and can it work? Neither answer says anything about the host."""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from peewee import DatabaseError

from panel.access import public

pages = Blueprint("health", __name__)


@pages.get("/healthz")
@public
def live() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@pages.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """Its database answers."""
    try:
        current_app.extensions["autossl"].database.execute_sql("SELECT 1 FROM setting LIMIT 1")
    except DatabaseError:
        return jsonify(status="unavailable"), 503
    return jsonify(status="ok")
