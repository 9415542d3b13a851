"""A provider's limits as token buckets: what may be ordered now, and when the rest goes on.

A bucket is one time, `full_at`: when all of its units will be there again (GCRA's theoretical arrival time). Each unit
that is taken moves it by `refill`; it never lies further ahead than all units take to come back. A bucket that is full
needs no row. Nothing here keeps anything: see `jobs/ledger.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from heapq import heapify, heappop, heappush

from jobs.policy.limits import Counted, Later, Limit

Key = tuple[Counted, str]

NOTHING = timedelta(0)
AHEAD = timedelta(minutes=5)
"""Every thread has a start of its own, however many threads there are."""


def as_of(limit: Limit, full_at: datetime, now: datetime) -> datetime:
    """A `full_at` that was kept, as it counts now. Further ahead than a bucket can be empty means that the clock was
    set back since: it counts as empty, and nobody waits for the former time. Starts are given out ahead."""
    ahead = AHEAD if limit.counted is Counted.STARTS else NOTHING
    return min(full_at, now + limit.capacity * limit.refill + ahead)


def free(limit: Limit, full_at: datetime, now: datetime) -> int:
    """How many units can be taken now."""
    return max(0, (now + limit.capacity * limit.refill - max(full_at, now)) // limit.refill)


def when(limit: Limit, full_at: datetime, now: datetime) -> datetime:
    """When a unit can be taken: now, or the moment at which the next one is back."""
    return max(now, full_at - (limit.capacity - 1) * limit.refill)


def take(limit: Limit, full_at: datetime, at: datetime) -> datetime:
    """`full_at` once a unit was taken at `at`, which may lie ahead. One that is not there (what happened can't be
    forbidden any more) leaves the bucket empty, and no debt."""
    return min(max(at, full_at) + limit.refill, at + limit.capacity * limit.refill)


def give_back(refill: timedelta, full_at: datetime, taken_at: datetime, now: datetime) -> datetime:
    """`full_at` once the unit of `taken_at` is given back: as if it had never been taken, but for what time has given
    back of it since, or the same unit could be used twice."""
    return full_at - max(NOTHING, refill - max(NOTHING, now - taken_at))


@dataclass(frozen=True, slots=True)
class Ask:
    """An order that somebody wants to make. `domains`: the registered domains of its names. `urgency`: the smaller the
    sooner. `renewal`: the CA has issued for exactly these names before; `replaces`: it names the certificate that it
    replaces, within that one's renewal window (RFC 9773)."""

    website: str
    names: tuple[str, ...]
    domains: tuple[str, ...]
    urgency: float = 0.0
    renewal: bool = False
    replaces: bool = False

    @property
    def same(self) -> str:
        """Tells sets of names apart, whatever their order."""
        return sha256(",".join(sorted(self.names)).encode()).hexdigest()

    @property
    def shared(self) -> tuple[Key, ...]:
        """What it takes from buckets that other websites take from as well. Let's Encrypt counts renewals neither as
        orders nor for the domain, and nothing at all of what replaces a certificate in its window."""
        if self.renewal or self.replaces:
            return ()
        return tuple((Counted.DOMAIN, domain) for domain in self.domains)

    @property
    def own(self) -> tuple[Key, ...]:
        return () if self.replaces else ((Counted.SAME_SET, self.same),)

    @property
    def account(self) -> tuple[Key, ...]:
        return () if self.renewal or self.replaces else ((Counted.ORDERS, ""),)

    @property
    def failures(self) -> tuple[Key, ...]:
        """Must have a unit left, which only a failed validation takes."""
        return () if self.replaces else tuple(map(failure_key, self.names))


def failure_key(name: str) -> Key:
    """A wildcard is validated at the name that it stands for."""
    return Counted.FAILURES, name.removeprefix("*.")


class Book:
    """The buckets of one provider as they are `now`; those that `full` does not have are full."""

    def __init__(self, limits: Iterable[Limit], full: Mapping[Key, datetime], now: datetime) -> None:
        self.limits = {limit.counted: limit for limit in limits}
        self.full = {
            key: as_of(self.limits[key[0]], full_at, now) for key, full_at in full.items() if key[0] in self.limits
        }
        self.changed: set[Key] = set()
        self._now = now

    def copy(self) -> Book:
        return Book(self.limits.values(), self.full, self._now)

    def latest(self, keys: Iterable[Key], now: datetime) -> tuple[datetime, Key | None]:
        """When all of `keys` have a unit, and which one comes last; None when they have one now."""
        found: tuple[datetime, Key | None] = (now, None)
        for key in keys:
            limit, full_at = self.limits.get(key[0]), self.full.get(key)
            if limit is not None and full_at is not None and (at := when(limit, full_at, now)) > found[0]:
                found = (at, key)
        return found

    def take(self, keys: Iterable[Key], at: datetime) -> tuple[Key, ...]:
        """One unit of each that has a limit; returns those."""
        taken = tuple(key for key in keys if key[0] in self.limits)
        for key in taken:
            self.full[key] = take(self.limits[key[0]], self.full.get(key, at), at)
        self.changed.update(taken)
        return taken


def times(book: Book, asks: Sequence[Ask], now: datetime) -> dict[str, Later | None]:
    """When each website's order may be made, None for now, if all are made as soon as they may be: of those that a unit
    comes back for at the same moment the most urgent one gets it, so that the k-th waits for the k-th unit.

    `book` is left as it will be then.
    """
    found: dict[str, Later | None] = {}
    for at, ask, key in _by_name(book, asks, now):  # in the order of their moments, so that the account's are right
        late, account = book.latest(ask.account, at)
        book.take(ask.account, late)
        found[ask.website] = _later(book, ask, late, account or key, now)
    return found


def _by_name(book: Book, asks: Sequence[Ask], now: datetime) -> Iterable[tuple[datetime, Ask, Key | None]]:
    """The moments by what the names themselves allow, with what was waited for, in their order."""
    groups: dict[tuple[object, ...], deque[Ask]] = {}
    held: dict[str, tuple[datetime, Key | None]] = {}
    for ask in sorted(asks, key=lambda ask: ask.urgency):
        held[ask.website] = book.latest((*ask.own, *ask.failures), now)
        apart = (ask.website,) if held[ask.website][1] else ()  # its own wait must not hold up those behind it
        groups.setdefault((*ask.shared, *apart), deque()).append(ask)

    def moment(ask: Ask) -> tuple[datetime, Key | None]:
        own, shared = held[ask.website], book.latest(ask.shared, now)
        return max(own, shared, key=lambda one: one[0])

    heads = [(moment(group[0])[0], group[0].urgency, place) for place, group in enumerate(groups.values())]
    heapify(heads)
    waiting = list(groups.values())
    while heads:
        at, urgency, place = heappop(heads)
        ask = waiting[place][0]
        fresh, key = moment(ask)
        if fresh > at:  # another group took what it was to have
            heappush(heads, (fresh, urgency, place))
            continue
        waiting[place].popleft()
        book.take((*ask.shared, *ask.own), at)
        yield at, ask, key
        if waiting[place]:
            ahead = waiting[place][0]
            heappush(heads, (moment(ahead)[0], ahead.urgency, place))


def _later(book: Book, ask: Ask, at: datetime, key: Key | None, now: datetime) -> Later | None:
    if key is None or at <= now:
        return None
    names: tuple[str, ...] = ()
    if key[0] is Counted.FAILURES:
        names = tuple(name for name in ask.names if book.latest([failure_key(name)], now)[1])
    return Later(at, book.limits[key[0]], key[1], names)
