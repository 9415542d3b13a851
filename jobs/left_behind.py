"""An order that hangs at its CA while another provider is tried: it goes on, unless that one has issued.

A website has one order at a time, so that the other provider's takes its place. What it needs to go on is held here
until then. Should the process die in between, this order is lost, and a new one is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import models
from jobs import queue
from jobs.durable import durable
from jobs.order import ELSEWHERE, forget_key, key_file
from jobs.ports import Place
from jobs.store import write_secret
from jobs.waiting import is_waiting


@dataclass(frozen=True)
class LeftBehind:
    """An order's row as it was, and its key."""

    row: models.QueueEntry
    key: bytes


def hanging(place: Place, websites: Iterable[str]) -> dict[str, LeftBehind]:
    """The orders that CAs have for these websites, by website."""
    rows = queue.active_orders()
    found = {}
    for website in websites:
        row = rows.get(website)
        path = key_file(place, website)
        if row is not None and row.order_url and path.is_file():
            found[website] = LeftBehind(row, path.read_bytes())
    return found


def take_up_again(place: Place, left: LeftBehind, now: datetime) -> bool:
    """Go on with an order whose place was taken in vain; whether it goes on now. What only waits for the limit of the
    other provider gives way to it. Raises Failure("store_failed")."""
    row, website = left.row, str(left.row.website)
    other = queue.active_order(website)
    if other is not None and not is_waiting(other):
        return False
    if other is not None:
        queue.finish(other, "cancelled", f"the order that {row.provider} has goes on", now)
    write_secret(key_file(place, website), left.key)
    entries = models.QueueEntry
    ended = (entries.id == row.id) & (entries.state == "cancelled") & (entries.answer == ELSEWHERE)
    as_it_was = {
        "state": "waiting", "owner": None, "finished_at": None, "answer": row.answer, "run_after": row.run_after,
    }
    with durable():
        again = bool(entries.update(as_it_was).where(ended).execute())
    if not again:
        forget_key(place, website)
    return again
