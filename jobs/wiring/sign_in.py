"""Signing in: a name and its password, then the second factor if there is one. Every try is counted first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import models
from jobs.policy.failure import Failure
from jobs.policy.journal import Kind, about
from jobs.wiring import attempts, people, second_factor

AT_ONCE = 6
"""Sign-ins that are looked at or wait for that; two passwords are hashed at a time (`people.py`)."""

_LONGEST_NAME = 64
_SOON = timedelta(seconds=5)
_turns, _kept = threading.BoundedSemaphore(AT_ONCE), threading.BoundedSemaphore(2)
_log = logging.getLogger("autossl.auth")
"""Each refusal is one line `refused a sign-in from ADDRESS for 'NAME'`: address first, so that no name can forge it."""


def first_step(name: str, password: str, address: str, now: datetime) -> models.User | None:
    """The user, if the password is right. As slow for a name that does not exist. With a second factor the sign-in
    is not complete by this.

    Raises Failure("login_limited") with `retry_at` after too many failed attempts.
    """
    name = name[:_LONGEST_NAME]
    with _turn(name, address, now):
        user = models.User.get_or_none(models.User.name == name)
        attempts.claim(name, address, user, now)
        right = people.password_right(user, password)
    if user is None or not right:
        _refused(name, address)
        return None
    if user.totp_secret is None:
        _complete(user, address, now)
    else:
        attempts.take_back(name, address)
    return user


def second_step(user: models.User, code: str, address: str, now: datetime) -> bool:
    """Whether `code` completes the sign-in of `user`. Raises Failure("login_limited")."""
    attempts.claim(user.name, address, user, now)
    if not second_factor.accept(user, code, now):
        _refused(user.name, address)
        return False
    _complete(user, address, now)
    return True


def confirm(user: models.User, password: str, address: str, now: datetime) -> bool:
    """Whether who is signed in knows the password, asked again before something dangerous.

    Raises Failure("login_limited").
    """
    with _turn(user.name, address, now):
        attempts.claim(user.name, address, user, now)
        right = people.password_right(user, password)
    if not right:
        _refused(user.name, address)
        return False
    attempts.take_back(user.name, address)
    return True


@contextmanager
def _turn(name: str, address: str, now: datetime) -> Iterator[None]:
    """For what costs a hash. Guesses from thousands of addresses must not queue up before everybody else's pages: whom
    there is no time for is sent away at once, and nothing is counted. Who signed in from there before has a turn of
    those that are kept for such. Raises Failure("login_limited")."""
    turns = _turns
    if not turns.acquire(blocking=False):
        turns = _kept
        if not (attempts.known(name, address, now) and turns.acquire(blocking=False)):
            raise Failure("login_limited", "too many sign-ins at this moment", retry_at=now + _SOON)
    try:
        yield
    finally:
        turns.release()


def _complete(user: models.User, address: str, now: datetime) -> None:
    attempts.succeeded(user.name, address, now)
    _log.info("signed in %s from %s", user.name, address)


def _refused(name: str, address: str) -> None:
    extra = about(Kind.SIGN_IN_REFUSED, address=address)
    _log.warning("refused a sign-in from %s for %s", address, ascii(name), extra=extra)
