"""Asking the CA for the same thing until it is done, or the time is over and the order is parked (behaviour section 5).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from jobs.policy.failure import Failure
from jobs.policy.redirects import printable
from jobs.ports import Pending, Waits
from jobs.providers.protocol.order import Order, parse_order
from jobs.providers.protocol.problem import Answer, retry_after
from jobs.providers.protocol.signed import Signed

FIRST_LOOK = 0.1
"""Seconds after the CA was set to work at which the order is looked at for the first time, unless it says when."""
FIRST_POLL, LONGEST_POLL = 0.25, 5.0
GROWTH = 1.6
LONGEST_WAIT = 300.0
"""Seconds after which an order is parked, whatever is to be renewed: what parks sooner takes the answers away from a CA
that is still looking at them."""
LOOK = 60.0
"""Seconds for which an order that was parked before is waited for, beginning anew with each step that it comes forward:
what hangs for a week must not hold up a check for five minutes each time."""
LONGEST_PARKED = timedelta(days=1)
"""A Retry-After beyond this is not believed: a parked order is looked at daily at least."""
MOST_UNANSWERED = 3
"""Polls in a row that may fail for a passing reason. The CA is looking at our answers meanwhile: taking them away for a
refused nonce would make it find nothing."""

PASSING = frozenset({"ca_bad_nonce", "ca_unavailable", "ca_unreachable", "ca_not_acme"})
"""Failures that say nothing about the order, nor about when to ask again."""

LEFT_STANDING = 10.0
"""Seconds for which answers that the CA was told of stand on, where it can't be asked any more what it made of them:
CAs look at once, and one that finds nothing has ended the order."""

T = TypeVar("T")


class Polls:
    """How long one order is waited for."""

    def __init__(self, order_url: str, *, parked_before: bool) -> None:
        self._order_url = order_url
        self._parked_before = parked_before
        self._deadline = time.monotonic() + (LOOK if parked_before else LONGEST_WAIT)

    def came_forward(self) -> None:
        """The order has taken a step. A new one has its five minutes in all."""
        if self._parked_before:
            self._deadline = time.monotonic() + LOOK

    def order(
        self, ca: Signed, name: str, state: str, ended: Callable[[Order], bool], told: Answer | None = None
    ) -> Waits[Order | Pending]:
        """The order once `ended` says so of it; not before the time that the CA named in `told`. `name`: that by which
        people know the order; `state`: in which it is now. Raises Failure when too many polls fail."""

        def found(answer: Answer) -> Order | None:
            now = parse_order(self._order_url, answer.json())
            return now if ended(now) else None

        asked = retry_after(told.headers, datetime.now(UTC)) if told else None
        pause = self._pause(asked, FIRST_LOOK, f"the order is {state}")
        if isinstance(pause, Pending):
            return pause
        yield pause
        step = f"{name}: asking for the order"
        looks = self.until(lambda: ca.ask(self._order_url, None, step), found, f"the order is {state}")
        return (yield from looks)

    def until(
        self, ask: Callable[[], Waits[Answer]], ended: Callable[[Answer], T | None], state: str
    ) -> Waits[T | Pending]:
        """What `ended` makes of the first answer that it makes something of; else the order is to be parked. Yields the
        seconds before each further poll.

        `state`: what is waited for, in words. Raises what `ended` raises, and Failure when too many polls fail.
        """
        wait, unanswered = FIRST_POLL, 0
        while True:
            asked = None
            try:
                answer = yield from ask()
                found = ended(answer)
            except Failure as failure:
                unanswered += 1
                passing = failure.code in PASSING and not failure.of_provider
                if not passing or unanswered == MOST_UNANSWERED:
                    raise
                asked = failure.retry_at
            else:
                unanswered = 0
                if found is not None:
                    return found
                asked = retry_after(answer.headers, datetime.now(UTC))
            pause = self._pause(asked, wait, state)
            if isinstance(pause, Pending):
                return pause
            yield pause
            wait = min(wait * GROWTH, LONGEST_POLL)

    def _pause(self, asked: datetime | None, wait: float, state: str) -> float | Pending:
        """Seconds, as many as the CA asks, or as our own growing poll says; past the limit the order is parked."""
        now = datetime.now(UTC)
        asked = asked if asked is None or asked > now else None  # a time that has passed would have us ask without end
        seconds = wait if asked is None else max((asked - now).total_seconds(), FIRST_POLL)
        if time.monotonic() + seconds > self._deadline:
            until = now if asked is None else min(asked, now + LONGEST_PARKED)
            return Pending(self._order_url, until, printable(state, 200))
        return seconds
