"""Who calls: by a token in the Authorization header, or in a browser that is signed in.

A header that is no token of ours is refused, also where a session is there: a script that sends one means that one.
Wrong tokens are not counted: 256 random bits can't be guessed, and a script with an old token must not lock out the
people behind its address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_login import current_user
from flask_wtf.csrf import CSRFError

import models
from jobs.policy.access import Reach, Right, Scope, token_rights
from jobs.wiring import tokens
from jobs.wiring.people import accounts_in
from panel.api.answers import Refused
from panel.headers import csrf

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="AutoSSL"'}
UNKNOWN = "the token is unknown, has expired, or is another user's"
NOBODY = "send a token in the header Authorization: Bearer TOKEN; make one in the panel, under Your sign-in"
NO_ACCOUNT = (
    "the functions of UAPI are of one account: call them as a user of that account, or with a token that is "
    "restricted to it"
)
NOT_BY_GET = "a browser's session changes something only by POST with its CSRF token; a token may use GET as well"


@dataclass(frozen=True)
class Caller:
    """`token`: the public part of the token; empty in a browser's session."""

    name: str
    role: str
    rights: frozenset[Right]
    reach: Reach
    token: str = ""

    @property
    def accounts(self) -> Any:
        """The condition on `models.Account` that every look at accounts is under."""
        return accounts_in(self.reach) & models.Account.gone_at.is_null()


def identify() -> Caller:
    """Raises Refused: 401."""
    header = request.headers.get("Authorization")
    if header is not None:
        token = tokens.authenticate(header)
        if token is None:
            raise Refused(401, UNKNOWN, CHALLENGE)
        return Caller(token.user, token.role, token.rights, token.reach, token.prefix)
    if current_user.is_authenticated:
        return Caller(current_user.name, current_user.role, current_user.rights, current_user.reach)
    raise Refused(401, NOBODY, CHALLENGE)


def admit(caller: Caller, right: Right, changes: bool) -> None:
    """Raises Refused: 403 for a right that is missing, and for a form that another site may have sent."""
    if right not in caller.rights:
        raise Refused(403, f"that is not for {caller.name}{_with_token(caller, right)}")
    if changes and request.method == "HEAD":
        raise Refused(405, "HEAD changes nothing; expected GET or POST", {"Allow": "GET, POST"})
    if caller.token:
        return
    if changes and request.method != "POST":
        raise Refused(403, NOT_BY_GET)
    try:
        csrf.protect()
    except CSRFError as error:
        raise Refused(403, f"the CSRF token does not hold: {error.description}") from error


def own_account(caller: Caller) -> str:
    """The one account that the caller is of. Raises Refused."""
    if caller.reach.account is None:
        raise Refused(403, NO_ACCOUNT)
    check_accounts(caller, [caller.reach.account])
    return caller.reach.account


def check_accounts(caller: Caller, names: list[str]) -> None:
    """Raises Refused: 404 for the first that does not exist or is out of the caller's reach: that is not told apart."""
    query = models.Account.select(models.Account.name).where(caller.accounts & models.Account.name.in_(names))
    known = {name for (name,) in query.tuples()}
    for name in names:
        if name not in known:
            raise Refused(404, f"{name}: there is no such account")


def scope_for(right: Right) -> Scope | None:
    """The smallest scope of a token that gives `right`."""
    return next((scope for scope in Scope if right in token_rights(frozenset(Right), scope, False)), None)


def _with_token(caller: Caller, right: Right) -> str:
    return f" with this token; it takes the scope {scope_for(right)}" if caller.token else ""
