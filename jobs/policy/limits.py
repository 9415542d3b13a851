"""What a CA allows in a time (behaviour section 5), and how it is said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

NEAR = "ca_limit_near"
"""The code of work that waits because it would break a limit. It is a date, not a failure: nothing went wrong."""


class Counted(StrEnum):
    """What a limit counts; in brackets, what each bucket of that kind is for."""

    STARTS = "starts"
    """newOrder requests, as bursts (the account)"""
    ORDERS = "orders"
    """new orders (the account)"""
    DOMAIN = "domain"
    """certificates (a registered domain)"""
    SAME_SET = "set"
    """certificates with exactly the same names (the set)"""
    FAILURES = "failures"
    """failed validations (a name)"""


@dataclass(frozen=True, slots=True)
class Limit:
    """`published` in `period` is what the CA says; `capacity` at once and one more each `refill` what is used of it.

    The rest is margin: for what the CA counts otherwise than we do, and for what was ordered before this ledger began.
    """

    counted: Counted
    published: int
    period: timedelta
    capacity: int
    refill: timedelta

    def words(self, key: str) -> str:
        """The limit as the CA states it. `key`: the registered domain or the name that it is about."""
        what = _WORDS[self.counted].format(key=key)
        return f"{self.published} {what} in {_time(self.period)}"


def own_pace(orders: int) -> Limit:
    """So many orders are begun in ten seconds, at a CA that publishes no such limit."""
    return Limit(Counted.STARTS, orders, timedelta(seconds=10), orders, timedelta(seconds=10) / orders)


OWN_PACE = own_pace(10)
"""Orders are begun no faster at any CA that serves the public."""


@dataclass(frozen=True, slots=True)
class Later:
    """Why work waits, and until when (aware, UTC). `names`: those whose own failures it waits for, if it is that."""

    at: datetime
    limit: Limit
    key: str
    names: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        goes_on = f"{self.at:%Y-%m-%d %H:%M UTC}"
        return f"waits for the CA's limit of {self.limit.words(self.key)}; goes on at {goes_on}"


_WORDS = {
    Counted.STARTS: "begun orders",
    Counted.ORDERS: "orders",
    Counted.DOMAIN: "certificates for {key}",
    Counted.SAME_SET: "certificates for exactly these names",
    Counted.FAILURES: "failed validations of {key}",
}


def _time(period: timedelta) -> str:
    for unit, name in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(seconds=1), "second")):
        if period >= unit and not period % unit:
            number = period // unit
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{period.total_seconds():g} seconds"
