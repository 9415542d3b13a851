"""What is news to somebody: the same problem is not told again until it changes, or a week has passed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.policy.notify import Event

AGAIN_AFTER = timedelta(days=7)
BACK_AFTER = timedelta(days=1)
"""What was over and is back is told anew, but not sooner: something that comes and goes by the hour is one problem."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a recipient was told of one key. `gone`: it was found to be over since."""

    content: str
    at: datetime
    gone: bool = False


def content_of(event: Event) -> str:
    """Changes with what a person would call another problem: not with the words, which may hold a token, a time or a
    request's number, different at every try."""
    names = sorted((left.name, left.code) for left in event.names)
    said = [event.kind, event.code, event.service, names]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def is_news(event: Event, told: Told | None, now: datetime) -> bool:
    """Whether somebody who was `told` that (None: nothing of this key) is to hear of `event` now."""
    if told is None or told.content != content_of(event):
        return True
    return now - told.at >= (BACK_AFTER if told.gone else AGAIN_AFTER)
