"""Whether a session still holds: by time, by browser, by address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.policy.attempts import network

HALFWAY = timedelta(minutes=10)
"""So long the second step of a sign-in is waited for."""

SEEN_EVERY = timedelta(minutes=1)
"""The row says to this precision when a session was last used, so that not every page costs a write."""


@dataclass(frozen=True)
class Limits:
    """`idle`: without a request; `absolute`: since the sign-in. `bound`: ends when the browser's address changes."""

    idle: timedelta
    absolute: timedelta
    bound: bool


@dataclass(frozen=True)
class Visit:
    """From where a request comes: the socket's own address, and what the browser calls itself."""

    address: str
    agent: str


def holds(limits: Limits, created: datetime, seen: datetime, complete: bool, now: datetime) -> bool:
    """Whether a session is alive at `now`; one whose sign-in is not `complete` lives for HALFWAY."""
    if not complete:
        return now < created + HALFWAY
    return now < seen + limits.idle and now < created + limits.absolute


def same_browser(limits: Limits, first: Visit, now: Visit) -> bool:
    """Whether a request comes from where the session was begun; a stolen cookie does not."""
    return first.agent == now.agent and (not limits.bound or network(first.address) == network(now.address))
