"""The tab itself, and the way back to it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.wiring import providers
from panel import hx, work
from panel.tabs import Tab

pages = Blueprint("providers", __name__, url_prefix="/providers")
TAB = Tab("AutoSSL Providers", "providers.show", Right.HOST)


def known(name: str) -> dict[str, Any] | None:
    """The facts of a provider, or None if there is no such one."""
    try:
        return providers.show(work.instance(), name)
    except Failure as failure:
        if failure.code != "provider_unknown":
            raise
        return None


def require(name: str) -> dict[str, Any]:
    """The facts of a provider; 404 if there is no such one."""
    return known(name) or abort(404)


def done(chosen: str, message: str, level: str = "good") -> ResponseReturnValue:
    """Back to the tab, where `message` is told."""
    hx.say(message, level)
    return hx.redirect(url_for("providers.show", provider=chosen))
