"""Sessions as rows. A browser holds a random id; the row holds its hash, so that the table opens nothing."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import models
from jobs.config import Panel
from jobs.policy.sessions import HALFWAY, SEEN_EVERY, Limits, Visit, holds, same_browser
from jobs.report import stamp

_ID = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")
_LONGEST_AGENT = 300
_log = logging.getLogger("autossl.auth")


@dataclass(frozen=True)
class Kept:
    """A session that holds. `user` is None while the second step of the sign-in is missing."""

    hash: str
    user: models.User | None
    created_at: datetime
    data: str
    """What the panel keeps for this browser, as it wrote it."""


def limits(panel: Panel) -> Limits:
    """As the configuration says."""
    idle, absolute = timedelta(minutes=panel.session_idle_minutes), timedelta(hours=panel.session_hours)
    return Limits(idle, absolute, panel.session_bound_to_address)


def is_id(text: str) -> bool:
    """Whether this could be the id of a session."""
    return bool(_ID.match(text))


def begin(
    user: models.User | None, visit: Visit, within: Limits, now: datetime, since: datetime | None = None
) -> tuple[str, Kept]:
    """A new session and its id. `since`: when the sign-in was, if this one follows another. Dead ones are removed."""
    identifier = secrets.token_urlsafe(32)
    kept = Kept(_hash(identifier), user, since or now, "{}")
    with models.database.atomic():
        prune(within, now)
        models.Session.create(
            hash=kept.hash,
            user=user,
            data=kept.data,
            address=visit.address,
            agent=visit.agent[:_LONGEST_AGENT],
            created_at=kept.created_at,
            seen_at=now,
        )
    return identifier, kept


def find(identifier: str, visit: Visit, within: Limits, now: datetime) -> Kept | None:
    """The session of that id, if it holds and this is the browser that it was begun in."""
    query = models.Session.select(models.Session, models.User).left_outer_join(models.User)
    row = query.where(models.Session.hash == _hash(identifier)).get_or_none()
    if row is None:
        return None
    user = row.user if row.user_id is not None else None
    if not holds(within, row.created_at, row.seen_at, user is not None, now):
        row.delete_instance()
        return None
    visit = Visit(visit.address, visit.agent[:_LONGEST_AGENT])
    if not same_browser(within, Visit(row.address, row.agent), visit):
        whose = "an unfinished sign-in" if user is None else user.name
        _log.warning("refused a session of %s, begun elsewhere, from %s", whose, visit.address)
        return None
    if now >= row.seen_at + SEEN_EVERY:
        seen = {"seen_at": now, "address": visit.address}
        models.Session.update(**seen).where(models.Session.hash == row.hash).execute()
    return Kept(row.hash, user, row.created_at, row.data)


def keep(kept: Kept, data: str) -> None:
    """Make `data` what is kept for this browser; nothing if the session has ended meanwhile."""
    models.Session.update(data=data).where(models.Session.hash == kept.hash).execute()


def end(hash_: str, user: models.User | None = None) -> bool:
    """End a session, of `user` only if one is given; whether there was one."""
    chosen = models.Session.hash == hash_
    if user is not None:
        chosen &= models.Session.user == user
    return bool(models.Session.delete().where(chosen).execute())


def end_all(user: models.User, but: str | None = None) -> int:
    """End every session of a user but the one of that hash; how many."""
    chosen = models.Session.user == user
    if but is not None:
        chosen &= models.Session.hash != but
    return int(models.Session.delete().where(chosen).execute())


def listed(user: models.User, within: Limits, now: datetime) -> list[dict[str, Any]]:
    """A user's sessions that hold, the one used last first."""
    rows = models.Session.select().where(models.Session.user == user).order_by(models.Session.seen_at.desc())
    return [
        {
            "hash": row.hash,
            "address": row.address,
            "agent": row.agent,
            "created_at": stamp(row.created_at),
            "seen_at": stamp(row.seen_at),
        }
        for row in rows
        if holds(within, row.created_at, row.seen_at, True, now)
    ]


def prune(within: Limits, now: datetime) -> None:
    """Remove what no longer holds."""
    row = models.Session
    halfway = row.user.is_null() & (row.created_at <= now - HALFWAY)
    dead = (row.seen_at <= now - within.idle) | (row.created_at <= now - within.absolute) | halfway
    row.delete().where(dead).execute()


def _hash(identifier: str) -> str:
    return hashlib.sha256(identifier.encode("ascii")).hexdigest()
