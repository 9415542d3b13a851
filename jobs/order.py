"""Step 6: order what a plan says, in an order that survives a crash at any point.

Row -> key written -> newOrder -> order URL in the row -> the rest. A row that has an order URL is gone on with;
there is never a second order for work that has one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from peewee import DatabaseError

import models
from jobs import ledger, queue, renewals
from jobs.crash_points import edges
from jobs.durable import durable
from jobs.keys import new_key
from jobs.ledger import Ledger
from jobs.policy.certificate import Bundle, Certificate
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.limits import NEAR
from jobs.policy.provider_pause import obeyed
from jobs.policy.retry import next_poll
from jobs.ports import OrderRequest, Pending, Place, Provider, Solver, Waits
from jobs.provider_pause import InARow
from jobs.store import write_secret
from jobs.waiting import is_waiting

PASSING = frozenset({
    "ca_bad_certificate", "ca_bad_nonce", "ca_not_acme", "ca_rate_limited", "ca_unavailable", "ca_unreachable",
    "challenge_not_written", "terms_changed",
})
"""Failures that say nothing about the order itself: the CA still has it, and it is gone on with later."""

ELSEWHERE = "other names or another provider are wanted now"
"""The answer of an order whose place another one took."""

_LONGEST_FILE_NAME = 200


@dataclass(frozen=True)
class Ordering:
    """What every order of a run shares. `provider_name` is the row's name, `provider` the plug-in with its account, and
    `account_url` that account; without it no order says what it replaces."""

    place: Place
    provider_name: str
    provider: Provider
    solvers: dict[str, Solver]
    clock: Callable[[], datetime]
    account_url: str | None = None
    by_person: datetime | None = None
    """Since when a person's check runs: it tries a provider once that is to be left in peace."""
    in_a_row: InARow = field(default_factory=InARow)
    wait_until: Callable[[datetime], None] | None = None
    """Waits for a moment that lies seconds ahead; None: as the system's clock says, and no thread is held for it."""

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.provider_name, self.provider.specs().limits)


@dataclass(frozen=True, slots=True)
class Ways:
    """How names are validated, where not by http-01 of their own: the method by name, and the ancestor domain."""

    methods: Mapping[str, str] = field(default_factory=dict)
    ancestors: Mapping[str, str] = field(default_factory=dict)


NO_WAYS = Ways()


class RowJournal:
    """Keeps the order URL in the queue row, before anything else happens."""

    def __init__(self, row: models.QueueEntry) -> None:
        self._row = row

    def order_created(self, url: str) -> None:
        with edges("store order URL"), durable():
            queue.update(self._row, order_url=url, state="running")


def order(
    ordering: Ordering,
    account: str,
    website: str,
    names: tuple[str, ...],
    key_type: KeyType,
    ways: Ways = NO_WAYS,
    at_stake: Certificate | None = None,
) -> Waits[tuple[models.QueueEntry, Bundle | Pending]]:
    """Get a bundle for `names`, validated in these `ways`, or the reason to wait. `at_stake`: the certificate that it
    is to renew.

    Raises Failure; the row is then closed as failed, unless the CA has an order that the failure is not about.

    The row of a bundle stays active until the caller has stored it: see `finish`.
    """
    row = _claimed(ordering, account, website, names, ways)
    path = key_file(ordering.place, website)
    try:
        kept = json.loads(row.payload)
        request = OrderRequest(
            names=names,
            privkey=_key(path, row, key_type),
            methods=kept.get("methods", {}),
            ancestors=kept.get("ancestors", {}),
            replaces=renewals.replaced(
                {website: names}, ordering.provider_name, ordering.account_url, ordering.clock()
            ).get(website),
        )
        answer = yield from _go_on(ordering, row, request)
    except Failure as failure:
        ordering.ledger.count_failures(failure, ordering.clock())
        if failure.code in PASSING and row.order_url:
            _park(ordering, row, at_stake, failure.detail, failure.retry_at)
        else:
            close(ordering, row, "cancelled" if failure.code == NEAR else "failed", failure.detail)
        raise
    if isinstance(answer, Pending):
        queue.update(row, order_url=answer.order_url)
        if not _park(ordering, row, at_stake, answer.answer, answer.retry_at):
            words = f"{website}: the CA has not finished the order of {row.requested_at:%Y-%m-%d}; it was given up"
            raise Failure("order_given_up", f"{words}, and a new one is made at the next try")
    return row, answer


def close(ordering: Ordering, row: models.QueueEntry, state: str, answer: str) -> None:
    """The order is over without a certificate: the row is history and its key is gone."""
    with durable(), models.database.atomic():
        finish(ordering, row, state, answer)
        ledger.unused([str(row.website)], ordering.clock())
    drop_key(ordering, row)


def finish(ordering: Ordering, row: models.QueueEntry, state: str, answer: str) -> None:
    """The row is history; its key stays until `drop_key`, which must come only once that is sure to be kept."""
    queue.finish(row, state, answer, ordering.clock())


def drop_key(ordering: Ordering, row: models.QueueEntry) -> None:
    forget_key(ordering.place, str(row.website))


def forget_key(place: Place, website: str) -> None:
    """Remove the key of an order that nobody goes on with; one that can't be removed now is swept later."""
    with suppress(OSError):
        key_file(place, website).unlink(missing_ok=True)


def leave(ordering: Ordering, website: str, at_stake: Certificate | None, answer: str) -> None:
    """A bug came between. An order that the CA has is gone on with later and given up when it is too old, like one that
    hangs; what it has not is closed, so that the website is planned anew. A row that a failing disk does not take stays
    for `queue.take_over`."""
    with suppress(DatabaseError, OSError):
        row = queue.active_order(website)
        if row is not None and row.order_url:
            _park(ordering, row, at_stake, answer, None)
        elif row is not None:
            close(ordering, row, "failed", answer)


def give_up(ordering: Ordering, website: str, why: str) -> None:
    """Close the order of a website that nobody wants any more; what the CA has begun ends by itself."""
    row = queue.active_order(website)
    if row is not None:
        close(ordering, row, "cancelled", why)


def _park(
    ordering: Ordering, row: models.QueueEntry, at_stake: Certificate | None, answer: str, asked: datetime | None
) -> bool:
    """Leave the order for its next poll, not before `asked`; False when it is too old, and closed for that."""
    now = ordering.clock()
    poll = next_poll(row.requested_at, now, at_stake)
    if poll is None:
        close(ordering, row, "failed", answer)
        return False
    late = max(poll, obeyed(asked, now, at_stake)) if asked else poll
    parked = {"state": "waiting", "owner": None, "run_after": late, "answer": answer}
    queue.update(row, **parked, polled_at=now, attempts=row.attempts + 1)
    return True


def _go_on(
    ordering: Ordering, row: models.QueueEntry, request: OrderRequest
) -> Waits[Bundle | Pending]:
    if row.order_url:
        try:
            return (yield from ordering.provider.resume(row.order_url, request, ordering.solvers))
        except Failure as failure:
            if failure.code != "order_gone":
                raise
            queue.update(row, order_url=None, answer=failure.detail)
    yield from _take_turn(ordering, str(row.website), request)
    return (yield from ordering.provider.issue(request, ordering.solvers, RowJournal(row)))


def _take_turn(ordering: Ordering, website: str, request: OrderRequest) -> Waits[None]:
    """Wait until the CA may be asked for one more order: seconds. Raises Failure("ca_limit_near")."""
    wanted = ledger.asked(website, request.names, replaces=request.replaces is not None)
    moment = ordering.ledger.begin(wanted, ordering.clock())
    if ordering.wait_until is not None:
        ordering.wait_until(moment)
    else:
        seconds = (moment - ordering.clock()).total_seconds()
        if seconds > 0:
            yield seconds


def _claimed(
    ordering: Ordering, account: str, website: str, names: tuple[str, ...], ways: Ways
) -> models.QueueEntry:
    """A row that is ours. One that a person cancels at this very moment stays so, and the website gets another.

    Raises Failure("entry_busy").
    """
    while True:
        row, known = _row(ordering, account, website, names, ways)
        if not known or queue.claim(row, ordering.clock()):
            return row
        row = models.QueueEntry.get_by_id(row.id)
        if row.state in queue.ACTIVE:
            raise Failure("entry_busy", f"{website}: {row.owner} works on its order, and is alive")


def _row(
    ordering: Ordering, account: str, website: str, names: tuple[str, ...], ways: Ways
) -> tuple[models.QueueEntry, bool]:
    """The active row of the website if it is for these names at this provider, else a new one, which is ours; True: it
    was there. An order that the CA has already is gone on with as it was begun."""
    payload = {"names": list(names), "methods": dict(ways.methods), "ancestors": dict(ways.ancestors)}
    now = ordering.clock()
    wanted = website, account, ordering.provider_name, payload, now
    row, known = queue.request_order(*wanted, **queue.claimed(now))
    if not known:
        return row, False
    if row.provider == ordering.provider_name and set(json.loads(row.payload)["names"]) == set(names):
        if is_waiting(row):
            queue.update(row, requested_at=now)  # only now the CA is asked, and its time begins
        if not row.order_url and json.loads(row.payload) != payload:
            queue.update(row, payload=json.dumps(payload))
        return row, True
    close(ordering, row, "cancelled", ELSEWHERE)
    return queue.request_order(*wanted, **queue.claimed(now))


def _key(path: Path, row: models.QueueEntry, key_type: KeyType) -> bytes:
    """The key of an order that goes on, or a new one that is on disk before the CA hears of it."""
    if row.order_url:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            queue.update(row, order_url=None, answer="its key is gone, so the order was given up")
    key = new_key(key_type)
    with edges("write key"):
        write_secret(path, key)
    return key


def key_file(place: Place, website: str) -> Path:
    """Where the key of an order lies while it goes on. A host name may be longer than a file's name can be."""
    name = website if len(website) <= _LONGEST_FILE_NAME else sha256(website.encode()).hexdigest()
    return place.keys / "orders" / f"{name}.pem"
