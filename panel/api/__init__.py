"""The JSON API: AutoSSL's calls of WHM API 1 below `/json-api/`, and those of UAPI below `/execute/`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from jobs.policy.failure import Failure
from panel.access import public
from panel.api import answers, calls
from panel.api.answers import Refused
from panel.api.functions import FUNCTIONS
from panel.api.openapi import document
from panel.api.registry import UAPI_PREFIX, WHM_PREFIX, Function
from panel.audit import audited, instead
from panel.headers import csrf

pages = Blueprint("api", __name__)
csrf.exempt(pages)
"""A token is sent on purpose, by no form of another site; for a session `callers.admit` asks for the CSRF token."""

ANY = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _view(function: Function) -> Callable[[], Response]:
    @public
    @audited("api.call")
    def view() -> Response:
        return calls.perform(function)

    return view


for _function in FUNCTIONS:
    _endpoint = _function.name.replace("::", "_")
    pages.add_url_rule(_function.path, f"{'uapi' if _function.of_account else 'whm'}_{_endpoint}", _view(_function),
                       methods=("GET", "POST"))


@pages.get("/api/openapi.json")
@public
def openapi() -> Response:
    """What the API can do, for programs; it says nothing of this host."""
    return jsonify(document(FUNCTIONS))


@pages.route(f"{WHM_PREFIX}<path:command>", methods=ANY)
@pages.route(f"{UAPI_PREFIX}<path:command>", methods=ANY)
@public
@audited("api.call")
def elsewhere(command: str) -> Response:
    """Whatever is no function, or is called in a way that no function takes."""
    raise calls.unknown(command, known=request.path in {function.path for function in FUNCTIONS})


@pages.before_request
def _unknown_yet() -> None:
    """A token may belong to somebody else than the session, and not every POST changes something: see `calls.py`."""
    instead()


@pages.errorhandler(Refused)
def _refused(refusal: Refused) -> Response:
    return calls.told(refusal)


@pages.errorhandler(Failure)
def _failed(failure: Failure) -> Response:
    return calls.told(answers.from_failure(failure, host=False))


@pages.errorhandler(HTTPException)
def _broken(error: HTTPException) -> Response:
    """A body that is too large or can't be read, and whatever nobody foresaw, which the panel's own log explains."""
    code = error.code or 500
    words = "the panel could not answer; its own log says why" if code >= 500 else f"{error.name}: {error.description}"
    return calls.told(Refused(code, words))
