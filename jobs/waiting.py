"""Websites that wait for a limit of their CA, as order rows that the CA knows nothing of yet. The queue shows when each
goes on: the k-th with the k-th unit, so that none is looked at in vain before.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import chunked

import models
from jobs import queue
from jobs.ledger import Ledger, asked
from jobs.policy.ledger import Ask
from jobs.policy.limits import NEAR, Later

CLAIM = timedelta(hours=1)
"""For how long a website that may go on has a claim before less urgent ones, though nobody went on with it."""

_AT_ONCE = 100
_MARK = "waits"


@dataclass(frozen=True)
class Waiting:
    """A website that is to wait until `at`, and in `words` why; `urgency`: the smaller the sooner. `no_later`: from
    when it is more urgent than that, and looked at whatever its turn is."""

    account: str
    website: str
    names: tuple[str, ...]
    urgency: float
    at: datetime
    words: str
    no_later: datetime | None = None


def is_waiting(row: models.QueueEntry | None) -> bool:
    """Whether an order row is one of a website that waits for a limit."""
    return row is not None and not row.order_url and bool(json.loads(row.payload).get(_MARK))


def park(ledger: Ledger, sites: Sequence[Waiting], now: datetime) -> None:
    """Put these websites into the queue, or on to another time there."""
    if not sites:
        return
    known = queue.active_orders()
    with models.database.atomic():
        fresh = [_values(ledger.provider, site) for site in sites if site.website not in known]
        for some in chunked(fresh, _AT_ONCE):
            rows = [{"kind": "order", "requested_at": now, **values} for values in some]
            models.QueueEntry.insert_many(rows).on_conflict_ignore().execute()
        for site in sites:
            row = known.get(site.website)
            if row is not None and not row.order_url:  # an order that another CA has goes on there
                queue.update(row, owner=None, **_values(ledger.provider, site))


def others(provider: str, without: Collection[str], now: datetime) -> list[Ask]:
    """What else waits for this provider's limits, and has not lost its claim."""
    return [_ask(row) for row in _rows(provider) if row.website not in without and row.run_after > now - CLAIM]


def spread(ledger: Ledger, now: datetime) -> None:
    """Give every website that waits the time that is right as of now: units may have come back, and more urgent ones
    may have come. Those of this provider are read once for all, and only what differs is written."""
    rows = [row for row in _rows(ledger.provider) if row.run_after > now - CLAIM]
    if not rows:
        return
    found = ledger.times([_ask(row) for row in rows], now)
    with models.database.atomic():
        for row in rows:
            later = found[row.website]
            at = _at(row, later, now)
            if row.run_after == at or (row.run_after <= now and later is None):
                continue
            queue.update(row, run_after=at, **({"answer": later.words} if later else {}))
            problems = models.Problem
            own = (problems.website == row.website) & (problems.name == "") & (problems.code == NEAR)
            problems.update(retry_at=at, **({"text": later.words} if later else {})).where(own).execute()


def _rows(provider: str) -> list[models.QueueEntry]:
    entries = models.QueueEntry
    parked = (entries.kind == "order") & (entries.state == "waiting") & entries.order_url.is_null()
    return [row for row in entries.select().where(parked & (entries.provider == provider)) if is_waiting(row)]


def _at(row: models.QueueEntry, later: Later | None, now: datetime) -> datetime:
    if later is None:
        return now
    text = json.loads(row.payload).get("no_later")
    no_later = datetime.fromisoformat(text) if text else later.at
    return min(later.at, no_later) if no_later > now else later.at


def _ask(row: models.QueueEntry) -> Ask:
    payload = json.loads(row.payload)
    return asked(row.website, payload["names"], payload["urgency"])


def _values(provider: str, site: Waiting) -> dict[str, Any]:
    payload = {"names": list(site.names), "methods": {}, "ancestors": {}, _MARK: True, "urgency": site.urgency}
    if site.no_later is not None:
        payload["no_later"] = site.no_later.isoformat()
    return {
        "key": f"order:{site.website}",
        "state": "waiting",
        "payload": json.dumps(payload),
        "account": site.account,
        "website": site.website,
        "provider": provider,
        "order_url": None,
        "answer": site.words,
        "run_after": site.at,
    }
