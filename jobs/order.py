"""Step 6: order what a plan says, in an order that survives a crash at any point.

Key written -> row -> newOrder -> order URL in the row -> the rest. A row that has an order URL is gone on with;
there is never a second order for work that has one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import models
from jobs import queue
from jobs.keys import new_key
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.ports import OrderRequest, Pending, Place, Provider, Solver
from jobs.store import write_secret


@dataclass(frozen=True)
class Ordering:
    """What every order of a run shares. `provider_name` is the row's name, `provider` the plug-in with its account."""

    place: Place
    provider_name: str
    provider: Provider
    solvers: dict[str, Solver]
    clock: Callable[[], datetime]


class RowJournal:
    """Keeps the order URL in the queue row, before anything else happens."""

    def __init__(self, row: models.QueueEntry) -> None:
        self._row = row

    def order_created(self, url: str) -> None:
        queue.update(self._row, order_url=url, state="running")


def order(
    ordering: Ordering, account: str, website: str, names: tuple[str, ...], key_type: KeyType
) -> tuple[models.QueueEntry, Bundle | Pending]:
    """Get a bundle for `names`, or the reason to wait. Raises Failure; the row is then closed as failed.

    The row of a bundle stays active until the caller has stored it: see `close`.
    """
    row = _row(ordering, account, website, names)
    key_file = _key_file(ordering.place, website)
    try:
        request = OrderRequest(names=names, privkey=_key(key_file, row, key_type))
        answer = _go_on(ordering, row, request)
    except Failure as failure:
        close(ordering, row, "failed", failure.detail)
        raise
    if isinstance(answer, Pending):
        queue.update(
            row,
            state="waiting",
            order_url=answer.order_url,
            run_after=answer.retry_at,
            answer=answer.answer,
            polled_at=ordering.clock(),
            attempts=row.attempts + 1,
        )
    return row, answer


def close(ordering: Ordering, row: models.QueueEntry, state: str, answer: str) -> None:
    """The bundle is stored, or the order failed: the row is history and its key is gone."""
    queue.finish(row, state, answer, ordering.clock())
    _key_file(ordering.place, str(row.website)).unlink(missing_ok=True)


def _go_on(ordering: Ordering, row: models.QueueEntry, request: OrderRequest) -> Bundle | Pending:
    if row.order_url:
        try:
            return ordering.provider.resume(row.order_url, request, ordering.solvers)
        except Failure as failure:
            if failure.code != "order_gone":
                raise
            queue.update(row, order_url=None, answer=failure.detail)
    return ordering.provider.issue(request, ordering.solvers, RowJournal(row))


def _row(ordering: Ordering, account: str, website: str, names: tuple[str, ...]) -> models.QueueEntry:
    """The active row of the website if it is for these names at this provider, else a new one."""
    payload = {"names": list(names)}
    row = queue.request_order(website, account, ordering.provider_name, payload, ordering.clock())
    if row.provider == ordering.provider_name and set(json.loads(row.payload)["names"]) == set(names):
        return row
    close(ordering, row, "cancelled", "other names or another provider are wanted now")
    return queue.request_order(website, account, ordering.provider_name, payload, ordering.clock())


def _key(path: Path, row: models.QueueEntry, key_type: KeyType) -> bytes:
    """The key of an order that goes on, or a new one that is on disk before the CA hears of it."""
    if row.order_url:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            queue.update(row, order_url=None, answer="its key is gone, so the order was given up")
    key = new_key(key_type)
    write_secret(path, key)
    return key


def _key_file(place: Place, website: str) -> Path:
    return place.keys / "orders" / f"{website}.pem"
