"""How many orders ever came to an end: the rows that are kept, and a sum of those that were removed for their age.

So the figure only grows, over restarts and over the years.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from peewee import SQL, fn

import models
from jobs.wiring.instance import choose, setting

SETTING = "orders_removed"
RESULTS = ("done", "failed")
"""Of an order: with a certificate, or without. One that was cancelled may go on again, and is none."""

BATCH = 500
"""Rows that one transaction removes: nobody waits long for it to end."""


def count() -> dict[tuple[str, str], int]:
    """By provider and result."""
    entry = models.QueueEntry
    ended = (entry.kind == "order") & entry.state.in_(RESULTS)
    rows = entry.select(entry.provider, entry.state, fn.COUNT(SQL("*"))).where(ended)
    found = _removed()
    for provider, result, number in rows.group_by(entry.provider, entry.state).tuples():
        found[provider, result] += number
    return dict(found)


def forget(before: datetime) -> None:
    """Remove the rows of orders that ended before then; each is kept in the sum in the transaction that removes it."""
    entry = models.QueueEntry
    old = (entry.kind == "order") & (entry.finished_at < before)
    while True:
        with models.database.atomic():
            rows = list(entry.select(entry.id, entry.provider, entry.state).where(old).limit(BATCH).tuples())
            if not rows:
                return
            sums = _removed()
            sums.update((provider, state) for _, provider, state in rows if state in RESULTS)
            choose(SETTING, [[*key, number] for key, number in sorted(sums.items())])
            entry.delete().where(entry.id.in_([number for number, _, _ in rows])).execute()


def _removed() -> Counter[tuple[str, str]]:
    return Counter({(provider, result): number for provider, result, number in setting(SETTING, [])})
