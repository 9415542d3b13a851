"""Links by which somebody sets a first or a new password: valid for a day, once, known to their holder only."""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
from datetime import datetime, timedelta

import models
from jobs.config import Panel
from jobs.policy.failure import Failure
from jobs.wiring import attempts, people, sessions

LIFETIME = timedelta(hours=24)
_FORM = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")
_PORT = re.compile(r":([0-9]{1,5})\Z")


def make(user: models.User, now: datetime) -> str:
    """A fresh link's secret part; the user's former links are of no use any more."""
    text = secrets.token_urlsafe(32)
    with models.database.atomic():
        old = (models.SetupLink.user == user) | (models.SetupLink.expires_at <= now)
        models.SetupLink.delete().where(old).execute()
        models.SetupLink.create(hash=_hash(text), user=user, expires_at=now + LIFETIME)
    return text


def address(panel: Panel, text: str) -> str:
    """The whole link."""
    return f"{origin(panel)}/setup/{text}"


def origin(panel: Panel) -> str:
    """Where the panel is opened, at its own name or this system's."""
    port = _PORT.search(panel.bind)
    host = panel.hostname or socket.getfqdn()
    return f"https://{host}:{port.group(1) if port else 2087}"


def find(text: str, now: datetime) -> models.User | None:
    """Whose link it is, if it holds."""
    if not _FORM.match(text):
        return None
    row = models.SetupLink.get_or_none((models.SetupLink.hash == _hash(text)) & (models.SetupLink.expires_at > now))
    return None if row is None else row.user


def use(text: str, password: str, now: datetime) -> models.User:
    """Set the password of the link's user; the link is used up, and the user's sessions end.

    Raises Failure("password_weak"), which leaves the link as it is, and Failure("link_invalid").
    """
    people.check_password(password)
    with models.database.atomic():
        user = find(text, now)
        if user is None:
            words = "this link was used already, has expired, or never was one"
            raise Failure("link_invalid", words, permanent=True)
        models.SetupLink.delete().where(models.SetupLink.user == user).execute()
        people.set_password(user, password)
        sessions.end_all(user)
        attempts.forget(user)
    return user


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()
