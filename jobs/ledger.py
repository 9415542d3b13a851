"""What orders take from a provider's limits, as rows: taken before the CA is asked, all of an order's units or none.

admit -> begin -> spent, or unused. An order has its units as a reservation until its certificate came. One that ends
without gives back what the CA did not count, also if the process that took it is dead. The rules are those of
`jobs/policy/ledger.py`; every transaction here is immediate, so that two at once can't both take the last unit.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from peewee import chunked

import models
from jobs.policy.failure import Failure
from jobs.policy.ledger import Ask, Book, failure_key, give_back, times
from jobs.policy.limits import NEAR, Counted, Later, Limit
from jobs.registered_domains import registered_domains

VALIDATED = frozenset({"validation_failed", "ca_caa"})
"""Failures for which a CA counts a failed validation of each name that they are about."""

ROWS_AT_ONCE = 500
"""A statement of SQLite takes so many values, and no more."""

START = (Counted.STARTS, "")


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was ordered elsewhere, and when."""

    ask: Ask
    at: datetime


@dataclass(frozen=True)
class Ledger:
    """The limits of one provider. Its rows are kept by the provider's name here, whatever account it has: a CA counts
    domains and sets for all accounts together."""

    provider: str
    limits: tuple[Limit, ...]

    def admit(self, asks: Sequence[Ask], others: Sequence[Ask], now: datetime) -> dict[str, Later | None]:
        """Take the units of every order of `asks` that may be made now; None for those, else why and until when it
        waits. `others` wait already and are not asked for now: what they have a better claim to is left to them.
        """
        if not asks:
            return {}
        with models.database.atomic():
            held = {row.website: row for row in _reservations(ask.website for ask in asks)}
            fresh = [ask for ask in asks if not _holds(held.get(ask.website), self.provider, ask)]
            _given_back([row for ask in fresh if (row := held.get(ask.website))], now)
            fresh = self._with_renewals(fresh, now)
            book = self.book(now)
            found = times(book.copy(), [*fresh, *others], now)
            granted = [ask for ask in fresh if found[ask.website] is None]
            rows = []
            for ask in granted:
                taken = book.take((*ask.shared, *ask.own, *ask.account), now)
                units = [[key[0], key[1], book.limits[key[0]].refill.total_seconds()] for key in taken]
                rows.append(_reservation(ask, self.provider, json.dumps(units), now))
            self._keep(book)
            _insert(models.Reservation, rows)
        return {ask.website: found.get(ask.website) for ask in asks}

    def begin(self, ask: Ask, now: datetime) -> datetime:
        """The CA is about to be asked for this order, which takes its units if it has none yet. Returns the moment for
        that, seconds ahead at most: orders are begun one after the other.

        Raises Failure("ca_limit_near").
        """
        if not self.limits:
            return now
        with models.database.atomic():
            later = self.admit([ask], (), now)[ask.website]
            book = self.book(now)
            again = models.Reservation.get_by_id(ask.website).ordered if later is None else False
            if again:  # the CA does not know its order any more, and counts one more
                at, key = book.latest(ask.account, now)
                later = Later(at, book.limits[key[0]], key[1]) if key else None
            if later is not None:
                raise near(later)
            if again:
                book.take(ask.account, now)
            moment, _ = book.latest([START], now)
            book.take([START], moment)
            self._keep(book)
            mine = models.Reservation.website == ask.website
            models.Reservation.update(ordered=True).where(mine).execute()
        return moment

    def until_next(self, now: datetime) -> float:
        """Seconds until one more order may be begun; nothing is taken."""
        if not any(limit.counted is Counted.STARTS for limit in self.limits):
            return 0.0
        table = models.Budget
        kept = table.select(table.full_at).where((table.provider == self.provider) & (table.counted == Counted.STARTS))
        row = kept.tuples().first()
        moment, _ = Book(self.limits, {START: row[0]} if row else {}, now).latest([START], now)
        return max(0.0, (moment - now).total_seconds())

    def count_failures(self, failure: Failure, now: datetime) -> None:
        """Take note of validations that failed."""
        if failure.code not in VALIDATED or not failure.names:
            return
        with models.database.atomic():
            book = self.book(now)
            book.take(map(failure_key, failure.names), now)
            self._keep(book)

    def count_issued(self, issued: Sequence[Issued], now: datetime) -> None:
        """Take note of certificates that other programs on this host were given by this CA, which counts them as well.
        What time has given back of their units since is free; the rest is taken beside what stands in the buckets."""
        with models.database.atomic():
            book, apart = self.book(now), Book(self.limits, {}, now)
            for one in sorted(issued, key=lambda one: one.at):
                apart.take((*one.ask.shared, *one.ask.own), min(one.at, now))
            for key in apart.changed:
                left = apart.full[key] - now
                if left > timedelta():
                    limit = book.limits[key[0]]
                    book.full[key] = min(max(now, book.full.get(key, now)) + left, now + limit.capacity * limit.refill)
                    book.changed.add(key)
            self._keep(book)

    def times(self, asks: Sequence[Ask], now: datetime) -> dict[str, Later | None]:
        """When each of these could be made, the most urgent first; nothing is taken."""
        return times(self.book(now), self._with_renewals(asks, now), now)

    def book(self, now: datetime) -> Book:
        """The buckets as they are."""
        table = models.Budget
        rows = table.select(table.counted, table.key, table.full_at).where(
            (table.provider == self.provider) & (table.full_at > now)
        )
        full = {(Counted(counted), key): full_at for counted, key, full_at in rows.tuples()}
        return Book(self.limits, full, now)

    def _with_renewals(self, asks: Sequence[Ask], now: datetime) -> list[Ask]:
        """Those for which this CA has issued with exactly these names before, and whose certificate still runs."""
        table, known = models.Certificate, set()
        if any(limit.counted in (Counted.ORDERS, Counted.DOMAIN) for limit in self.limits):
            for some in chunked((ask.website for ask in asks), ROWS_AT_ONCE):
                mine = table.website.in_(some) & (table.provider == self.provider) & (table.not_after > now)
                found = table.select(table.website, table.names).where(mine).tuples()
                known |= {(website, frozenset(json.loads(names))) for website, names in found}
        return [replace(ask, renewal=(ask.website, frozenset(ask.names)) in known) for ask in asks]

    def _keep(self, book: Book) -> None:
        rows = [
            {"provider": self.provider, "counted": key[0], "key": key[1], "full_at": book.full[key]}
            for key in sorted(book.changed)
        ]
        _insert(models.Budget, rows, ("provider", "counted", "key"), "full_at")


def asked(website: str, names: Sequence[str], urgency: float = 0.0, replaces: bool = False) -> Ask:
    """An order as the ledger sees it. `replaces`: it names the certificate that it replaces, inside its window."""
    return Ask(website, tuple(names), registered_domains(names), urgency, replaces=replaces)


def near(later: Later) -> Failure:
    """The refusal of an order that would break a limit."""
    return Failure(NEAR, later.words, later.at, names=dict.fromkeys(later.names, later.words))


def spent(website: str) -> None:
    """The order's certificate came: the CA has counted it."""
    models.Reservation.delete().where(models.Reservation.website == website).execute()


def unused(websites: Iterable[str], now: datetime) -> None:
    """The orders of these websites ended without a certificate: what only that would have taken is given back."""
    with models.database.atomic():
        _given_back(_reservations(websites), now)


def sweep(now: datetime) -> None:
    """What dead processes took for orders that nobody goes on with is given back, and rows of full buckets go. Only for
    who holds the work lock, and has no order under way."""
    entries, table = models.QueueEntry, models.Reservation
    active = entries.select(entries.website).where((entries.kind == "order") & entries.finished_at.is_null())
    with models.database.atomic():
        _given_back(list(table.select().where(table.website.not_in(active))), now)
        models.Budget.delete().where(models.Budget.full_at <= now).execute()


def _holds(row: models.Reservation | None, provider: str, ask: Ask) -> bool:
    return row is not None and row.provider == provider and row.names == ask.same


def _reservation(ask: Ask, provider: str, units: str, now: datetime) -> dict[str, Any]:
    return {
        "website": ask.website, "provider": provider, "names": ask.same, "units": units, "taken_at": now,
        "ordered": False,
    }


def _reservations(websites: Iterable[str]) -> list[models.Reservation]:
    table = models.Reservation
    return [row for some in chunked(websites, ROWS_AT_ONCE) for row in table.select().where(table.website.in_(some))]


def _given_back(rows: Collection[models.Reservation], now: datetime) -> None:
    """An order counts as made once the CA may have been asked for it; its certificate does not."""
    if not rows:
        return
    back: dict[tuple[str, str, str], list[tuple[timedelta, datetime]]] = {}
    for row in rows:
        for counted, key, seconds in json.loads(row.units):
            if not (row.ordered and counted == Counted.ORDERS):
                unit = (timedelta(seconds=seconds), row.taken_at)
                back.setdefault((row.provider, counted, key), []).append(unit)
    table = models.Budget
    for (provider, counted, key), units in back.items():
        mine = (table.provider == provider) & (table.counted == counted) & (table.key == key)
        bucket = table.get_or_none(mine)
        if bucket is not None:
            for refill, taken_at in units:
                bucket.full_at = give_back(refill, bucket.full_at, taken_at, now)
            table.update(full_at=bucket.full_at).where(mine).execute()
    for some in chunked((row.website for row in rows), ROWS_AT_ONCE):
        models.Reservation.delete().where(models.Reservation.website.in_(some)).execute()


def _insert(
    table: type[models.Row], rows: Sequence[Mapping[str, Any]], keys: Sequence[str] = (), change: str = ""
) -> None:
    for some in chunked(rows, ROWS_AT_ONCE):
        query = table.insert_many(some)
        if change:
            target = [getattr(table, key) for key in keys]
            query = query.on_conflict(conflict_target=target, preserve=[getattr(table, change)])
        query.execute()

