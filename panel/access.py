"""The one place that decides who may open what.

Every view declares what it needs: `@public`, or `@needs(Right...)`, and `@account_scope` if its address names an
account. The decorators only mark; one hook decides for all. A view without a mark is an error at the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import models
from jobs.policy.access import Right
from jobs.wiring.people import accounts_in

View = TypeVar("View", bound=Callable[..., Any])

ACCOUNT = "account"
"""The name of the part of an address that names an account."""

LANDINGS = ((Right.SEE, "overview.show"), (Right.SELF, "security.show"))
"""The first page after the sign-in: the first of these that one may open."""

_NEEDS, _SCOPED = "__needs__", "__account_scope__"
_PUBLIC = "public"
_OF_FLASK = frozenset({"static"})
"""Files of ours that everybody may read."""


def public(view: View) -> View:
    """Anybody may open it, signed in or not."""
    setattr(view, _NEEDS, _PUBLIC)
    return view


def needs(right: Right) -> Callable[[View], View]:
    """Only who is signed in and has `right`."""

    def mark(view: View) -> View:
        setattr(view, _NEEDS, right)
        return view

    return mark


def account_scope(view: View) -> View:
    """Its address names an account (`<account>`): for everybody who does not reach that one there is no such page."""
    setattr(view, _SCOPED, True)
    return view


def declared(app: Flask, endpoint: str) -> Right | None:
    """What a page needs; None for one that is public."""
    found = getattr(app.view_functions[endpoint], _NEEDS, None)
    return found if isinstance(found, Right) else None


def is_public(app: Flask, endpoint: str) -> bool:
    return endpoint in _OF_FLASK or getattr(app.view_functions[endpoint], _NEEDS, None) == _PUBLIC


def guard(app: Flask) -> None:
    """Decide before every view."""

    @app.before_request
    def decide() -> ResponseReturnValue | None:
        if request.endpoint is None or is_public(app, request.endpoint):
            return None
        if not current_user.is_authenticated:
            answer: ResponseReturnValue = current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
            return answer
        if declared(app, request.endpoint) not in current_user.rights:
            if request.endpoint == LANDINGS[0][1]:
                return redirect(landing())
            abort(403)
        if ACCOUNT in (request.view_args or {}):
            require_account((request.view_args or {})[ACCOUNT])
        return None


def check(app: Flask) -> None:
    """Raises LookupError for a view that does not say what it needs."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.endpoint not in _OF_FLASK and not hasattr(view, _NEEDS):
            raise LookupError(f"{rule.endpoint}: the view says neither @public nor @needs(...)")
        if ACCOUNT in rule.arguments and not hasattr(view, _SCOPED):
            raise LookupError(f"{rule.endpoint}: its address names an account, so the view says @account_scope")


def visible_accounts(user: Any) -> Any:
    """The condition on `models.Account` that every query of accounts is under: those that `user` reaches."""
    return accounts_in(user.reach)


def require_account(name: str) -> models.Account:
    """The account of that name; 404 if there is none, or it is somebody else's: that is not told apart."""
    chosen = (models.Account.name == name) & models.Account.gone_at.is_null()
    row = models.Account.get_or_none(chosen & visible_accounts(current_user))
    if row is None:
        abort(404)
    return row


def landing() -> str:
    """Where the present user begins."""
    return url_for(next(endpoint for right, endpoint in LANDINGS if right in current_user.rights))
