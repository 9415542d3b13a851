"""API tokens: `autossl_<prefix>_<secret>`, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import models
from jobs.policy.access import Reach, Right, Scope, narrowed, token_rights
from jobs.policy.failure import Failure
from jobs.report import stamp
from jobs.wiring import people
from jobs.wiring.instance import now

USUAL_DAYS, MOST_DAYS = 90, 366
MOST_TOKENS = 50
"""Of one user."""

USED_EVERY = timedelta(minutes=1)
"""The row says to this precision when a token was last used."""

_LONGEST_LABEL = 60
_TOKEN = re.compile(r"\Aautossl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})\Z")
_HEADER = re.compile(r"\A(?:Bearer |(?:whm|cpanel) ([^\s:]{1,64}):)(\S{1,100})\Z")


@dataclass(frozen=True)
class Token:
    """Who calls the API, and what the token lets them do there."""

    user: str
    role: str
    label: str
    prefix: str
    rights: frozenset[Right]
    reach: Reach


def make(user: models.User, label: str, scope: str, account: str | None, days: int) -> tuple[str, dict[str, Any]]:
    """A fresh token and its facts. Only the first says the secret, and never again.

    Raises Failure("option_invalid"), Failure("account_unknown").
    """
    label = label.strip()
    if not 1 <= len(label) <= _LONGEST_LABEL or not label.isprintable():
        raise _invalid(f"the label: expected 1 to {_LONGEST_LABEL} printable characters, got {len(label)}")
    if scope not in list(Scope):
        raise _invalid(f"the scope: expected one of {', '.join(Scope)}, got {scope!r}")
    if not 1 <= days <= MOST_DAYS:
        raise _invalid(f"the days: expected 1 to {MOST_DAYS}, got {days}")
    if account is not None:
        _check_account(user, account)
    if models.Token.select().where(models.Token.user == user).count() >= MOST_TOKENS:
        raise _invalid(f"{user.name} has {MOST_TOKENS} tokens already: revoke one that is not used any more")
    moment = now()
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    text = f"autossl_{prefix}_{secret}"
    row = models.Token.create(
        user=user, label=label, prefix=prefix, hash=_hash(text), scope=scope, account=account, created_at=moment,
        expires_at=moment + timedelta(days=days),
    )
    return text, _facts(row, moment)


def listed(user: models.User | None = None) -> list[dict[str, Any]]:
    """The tokens of a user, or of all, the newest first."""
    query = models.Token.select(models.Token, models.User).join(models.User).order_by(models.Token.id.desc())
    moment = now()
    return [_facts(row, moment) for row in (query if user is None else query.where(models.Token.user == user))]


def revoke(prefix: str, user: models.User | None = None) -> None:
    """End a token, of `user` only if one is given. Raises Failure("token_unknown")."""
    chosen = models.Token.prefix == prefix
    if user is not None:
        chosen &= models.Token.user == user
    if not models.Token.delete().where(chosen).execute():
        raise Failure("token_unknown", f"{prefix}: there is no such token; see `autossl token list`", permanent=True)


def authenticate(header: str) -> Token | None:
    """Who sent this Authorization header: `Bearer TOKEN`, or as WHM's clients do `whm NAME:TOKEN`, `cpanel NAME:TOKEN`.

    None for everything that is no token of ours, has expired, or is not that user's.
    """
    form = _HEADER.match(header)
    parts = _TOKEN.match(form.group(2)) if form else None
    if form is None or parts is None:
        return None
    query = models.Token.select(models.Token, models.User).join(models.User)
    row = query.where(models.Token.prefix == parts.group(1)).get_or_none()
    moment = now()
    if row is None or not hmac.compare_digest(row.hash, _hash(parts.group(0))) or row.expires_at <= moment:
        return None
    if form.group(1) not in (None, row.user.name):
        return None
    if row.used_at is None or moment >= row.used_at + USED_EVERY:
        models.Token.update(used_at=moment).where(models.Token.id == row.id).execute()
    rights = token_rights(people.rights_of(row.user), Scope(row.scope), row.account is not None)
    within = narrowed(people.reach_of(row.user), row.account)
    return Token(row.user.name, row.user.role, row.label, row.prefix, rights, within)


def _check_account(user: models.User, account: str) -> None:
    known = people.accounts_in(people.reach_of(user)) & models.Account.gone_at.is_null()
    if not models.Account.select().where(known & (models.Account.name == account)).exists():
        raise Failure("account_unknown", f"the account: there is none of the name {account!r}", permanent=True)


def _facts(row: models.Token, moment: datetime) -> dict[str, Any]:
    return {
        "token": row.prefix,
        "user": row.user.name,
        "label": row.label,
        "scope": row.scope,
        "account": row.account,
        "created_at": stamp(row.created_at),
        "expires_at": stamp(row.expires_at),
        "used_at": stamp(row.used_at),
        "expired": row.expires_at <= moment,
    }


def _invalid(words: str) -> Failure:
    return Failure("option_invalid", words, permanent=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()
