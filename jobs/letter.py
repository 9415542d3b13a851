"""What a notifier is given to hand over, and who makes it readable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Rendered:
    """A digest (`jobs/policy/digest.py`) as people read it; `brief` is for chats, a few lines long."""

    text: str
    html: str
    brief: str


Renderer = Callable[[Mapping[str, Any]], Rendered]
"""Makes messages of digests. What runs without a person renders nothing, so it is given one of these."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as it goes out. `recipient` is a mail address, or empty for who needs none. `message_id`, without
    angle brackets, and `date` (aware) are the same at every try."""

    recipient: str
    sender: str
    subject: str
    body: Rendered
    message_id: str
    date: datetime
