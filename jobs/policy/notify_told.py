"""What is news to somebody: the same problem is not told again until it changes, or a week has passed.

A reminder goes with a check of all only. Each failing website has its own hour at which it is tried once a day; with a
digest for each of these, an administrator would get as many a week as there are websites that fail for good.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.policy.notify import Event

AGAIN_AFTER = timedelta(days=7)
BACK_AFTER = timedelta(days=1)
"""What was over and is back is told anew, but not sooner: something that comes and goes by the hour is one problem."""


@dataclass(frozen=True, slots=True)
class Told:
    """When a recipient was told of something. `gone`: it was found to be over since."""

    at: datetime
    gone: bool = False


def content_of(event: Event) -> str:
    """Changes with what a person would call another problem: not with the words, which may hold a token, a time or a
    request's number, different at every try."""
    names = sorted((left.name, left.code) for left in event.names)
    said = [event.kind, event.code, event.service, names]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def is_news(told: Told | None, now: datetime) -> bool:
    """Whether somebody who was `told` exactly this (None: never) is to hear of it now. What changes and changes back,
    such as a server that now refuses and now is silent, is not told at every turn."""
    return told is None or (told.gone and now - told.at >= BACK_AFTER)


def is_reminder(told: Iterable[Told], now: datetime) -> bool:
    """Whether somebody who was `told` of it, in whatever shapes, is to be reminded that it lasts."""
    moments = [one.at for one in told if not one.gone]
    return bool(moments) and now - max(moments) >= AGAIN_AFTER
