"""Who may log in: administrators, their passwords, and a limit on guessing.

The limit is kept in this process, which is the only one that asks for passwords.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

import models
from jobs.policy.failure import Failure
from jobs.ports import Place
from jobs.store import write_secret

WINDOW = timedelta(minutes=15)
PAIR_LIMIT, NAME_LIMIT, ADDRESS_LIMIT = 5, 50, 20
"""Failed attempts within the window: of one name from one address, of one name, from one address."""

SHORTEST, LONGEST = 10, 1000
_NAME = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\Z")
_MOST_KEYS = 20_000


class Attempts:
    """Failed attempts by key, the oldest forgotten first, so that guessing can't fill the memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: OrderedDict[tuple[str, str], list[datetime]] = OrderedDict()

    def blocked_until(self, name: str, address: str, now: datetime) -> datetime | None:
        """When the next attempt may be made; None means now."""
        with self._lock:
            times = [self._until(key, limit, now) for key, limit in _keys(name, address)]
        return max((moment for moment in times if moment), default=None)

    def failed(self, name: str, address: str, now: datetime) -> None:
        with self._lock:
            for key, _ in _keys(name, address):
                self._failed.setdefault(key, []).append(now)
                self._failed.move_to_end(key)
            while len(self._failed) > _MOST_KEYS:
                self._failed.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        with self._lock:
            self._failed.pop(("pair", f"{name}\n{address}"), None)

    def _until(self, key: tuple[str, str], limit: int, now: datetime) -> datetime | None:
        recent = [moment for moment in self._failed.get(key, ()) if moment > now - WINDOW][-limit:]
        if key in self._failed:
            self._failed[key] = recent
        return recent[0] + WINDOW if len(recent) >= limit else None


def check_name(name: str) -> None:
    """Raises Failure("name_invalid")."""
    if not _NAME.match(name):
        words = f"{name!r}: expected a user name of letters, digits, '.', '_', '@' and '-', at most 64 characters"
        raise Failure("name_invalid", words, permanent=True)


def check_password(password: str) -> None:
    """Raises Failure("password_weak")."""
    if not SHORTEST <= len(password) <= LONGEST:
        words = f"the password has {len(password)} characters: expected {SHORTEST} to {LONGEST}"
        raise Failure("password_weak", words, permanent=True)


def administrators() -> list[str]:
    query = models.User.select(models.User.name).where(models.User.role == "admin").order_by(models.User.id)
    return [name for (name,) in query.tuples()]


def create_admin(name: str, password: str) -> models.User:
    """Make an administrator. Raises Failure("name_invalid"), Failure("password_weak")."""
    check_name(name)
    check_password(password)
    return models.User.create(
        name=name, password=generate_password_hash(password), role="admin", session_key=secrets.token_urlsafe(32)
    )


def check_login(attempts: Attempts, name: str, password: str, address: str, now: datetime) -> models.User | None:
    """The user, if the password is right. As slow for a name that does not exist.

    Raises Failure("login_limited") with `retry_at` after too many failed attempts.
    """
    name, password = name[:64], password[: LONGEST + 1]
    until = attempts.blocked_until(name, address, now)
    if until:
        raise Failure("login_limited", "too many failed attempts to log in", retry_at=until)
    user = models.User.get_or_none(models.User.name == name)
    known = user is not None and user.password is not None
    right = check_password_hash(user.password if known else _decoy(), password)
    if known and right:
        attempts.succeeded(name, address)
        return user
    attempts.failed(name, address, now)
    return None


def find_session(session_key: str) -> models.User | None:
    """The user whose sessions carry `session_key`; a changed key ends them all."""
    user = models.User.get_or_none(models.User.session_key == session_key)
    return user if user is not None and hmac.compare_digest(user.session_key, session_key) else None


def secret_key(place: Place) -> bytes:
    """The key that signs session cookies; made at the first use. Two processes agree on one."""
    path = place.keys / "session.key"
    if not path.exists():
        fresh = place.keys / f".session.{os.getpid()}.{secrets.token_hex(4)}"
        write_secret(fresh, secrets.token_bytes(64))
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass  # another process was quicker: its key holds
        finally:
            fresh.unlink()
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure("key_unreadable", f"{path}: reading: {error.strerror}", permanent=True) from error


def _keys(name: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return (
        (("pair", f"{name}\n{address}"), PAIR_LIMIT),
        (("name", name), NAME_LIMIT),
        (("address", address), ADDRESS_LIMIT),
    )


@cache
def _decoy() -> str:
    return generate_password_hash(secrets.token_urlsafe(16))
