"""Let's Encrypt's limits as the CA itself keeps them: full numbers, no margin, and nothing of our own ledger's code.

As in the CA's server: an order is counted when it is made, a certificate for its domains and its set when it is issued,
a failed validation for its name; and before an order is made all of them are looked at. Each verdict replays the whole
history of a key, so that no state of its own can hide a mistake.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from fractions import Fraction

SECOND = 1
HOUR = 3600 * SECOND
WEEK = 7 * 24 * HOUR

DOMAIN, SAME, ORDERS, FAILURES = (50, WEEK), (5, WEEK), (300, 3 * HOUR), (5, HOUR)


class BoulderLimits:
    """`refused` has a sentence for everything that the CA would have answered with 429."""

    def __init__(self, domain: tuple[int, int] = DOMAIN) -> None:
        self._limits = {"domain": domain, "set": SAME, "orders": ORDERS, "failures": FAILURES}
        self._seen: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        self._sets: set[frozenset[str]] = set()
        self.refused: list[str] = []

    def order(self, names: Collection[str], domains: Collection[str], now: datetime, *, replaces: bool = False) -> bool:
        """Whether an order for these names is taken."""
        if replaces:
            return True
        known = frozenset(names) in self._sets
        asked = [("set", _key(names))] + [("failures", name) for name in names]
        asked += [] if known else [("orders", "account")] + [("domain", one) for one in domains]
        over = [one for one in asked if not self._allowed(one, now)]
        self.refused += [f"{now:%Y-%m-%d %H:%M:%S}: {what} {key}" for what, key in over]
        if not over and not known:
            self._seen["orders", "account"].append(now)
        return not over

    def issue(self, names: Collection[str], domains: Collection[str], now: datetime, *, replaces: bool = False) -> None:
        if not replaces:
            self._seen["set", _key(names)].append(now)
            if frozenset(names) not in self._sets:
                for one in domains:
                    self._seen["domain", one].append(now)
        self._sets.add(frozenset(names))

    def fail(self, name: str, now: datetime) -> None:
        self._seen["failures", name].append(now)

    def issued_in(self, domain: str) -> Sequence[datetime]:
        """When certificates were issued that counted for a domain."""
        return tuple(self._seen["domain", domain])

    def _allowed(self, asked: tuple[str, str], now: datetime) -> bool:
        """GCRA over everything that was seen: would one more, now, still lie within the burst?"""
        count, period = self._limits[asked[0]]
        emission = Fraction(period, count)
        arrival: Fraction | None = None
        for moment in self._seen[asked]:
            at = _seconds(moment)
            arrival = (at if arrival is None else max(at, arrival)) + emission
        now_at = _seconds(now)
        following = (now_at if arrival is None else max(now_at, arrival)) + emission
        return following - count * emission <= now_at


def _key(names: Collection[str]) -> str:
    return " ".join(sorted(names))


def _seconds(moment: datetime) -> Fraction:
    return Fraction(round(moment.timestamp() * 10**6), 10**6)
