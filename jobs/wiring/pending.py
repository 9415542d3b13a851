"""The pending queue as people see and change it."""

from __future__ import annotations

import json
from typing import Any

from peewee import SQL, Select, fn

import models
from jobs import ledger, order, queue
from jobs.policy.access import Reach
from jobs.policy.failure import Failure
from jobs.policy.idn import ascii_form
from jobs.report import stamp
from jobs.waiting import is_waiting as is_waiting
from jobs.wiring import checks, performing
from jobs.wiring.instance import Instance, now
from jobs.wiring.people import accounts_in

ACTIVE = queue.ACTIVE
CANCELLED = "cancelled by a person"


def list_pending() -> list[dict[str, Any]]:
    """Every entry that is not over, the oldest first."""
    work = models.QueueEntry.state.in_(queue.ACTIVE) & models.QueueEntry.kind.in_(queue.WORK)
    return [as_shown(row) for row in models.QueueEntry.select().where(work).order_by(models.QueueEntry.id)]


def reached(reach: Reach) -> Any:
    """The condition on `models.QueueEntry` for work all of whose accounts somebody reaches; a check of all accounts is
    for who reaches everything."""
    entries = models.QueueEntry
    work = entries.kind.in_(queue.WORK)
    if reach.everything:
        return work
    mine = models.Account.select(models.Account.name).where(accounts_in(reach))
    several = fn.json_each(entries.payload, "$.accounts").alias("one")
    others = Select([several], [SQL("1")]).where(SQL("one.value").not_in(mine))
    some = fn.json_type(entries.payload, "$.accounts") == "array"
    return work & (entries.account.in_(mine) | (entries.account.is_null() & some & ~fn.EXISTS(others)))


def holds(text: str, within: Reach) -> Any:
    """The condition for entries in which `text` stands: account, website, one of its names or provider; for who reaches
    everything also the order and the last answer, which others do not read as they are."""
    if not text:
        return SQL("1")
    entries, name = models.QueueEntry, ascii_form(text)
    fields = [entries.account, entries.website, entries.provider]
    if within.everything:
        fields += [entries.order_url, entries.answer]
    found = entries.payload.contains(name)
    for one in fields:
        found |= one.contains(text)
    return found | entries.website.contains(name)


def as_shown(row: models.QueueEntry) -> dict[str, Any]:
    """One entry for a person or a script; `names` of an order, `accounts` of a check (None: all)."""
    payload = json.loads(row.payload)
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "account": row.account,
        "accounts": payload.get("accounts"),
        "website": row.website,
        "names": payload.get("names", []),
        "provider": row.provider,
        "order": row.order_url,
        "requested": stamp(row.requested_at),
        "polled": stamp(row.polled_at),
        "next_try": stamp(row.run_after),
        "attempts": row.attempts,
        "owner": row.owner,
        "heartbeat": stamp(row.heartbeat_at),
        "answer": row.answer,
    }


def retry(instance: Instance, entry: int) -> dict[str, Any]:
    """Try an entry now: an order by a check of its account. Raises Failure("entry_unknown"), Failure("entry_busy")."""
    row = _idle(entry)
    if row.kind == "order":
        checks.request(instance, [str(row.account)], forced=True)
    queue.update(row, run_after=now())
    return as_shown(row)


def cancel(instance: Instance, entry: int) -> dict[str, Any]:
    """Give an entry up; what the CA has begun ends by itself. A check that is running is asked to begin no further
    account, and stays in the queue until it has ended.

    Raises Failure("entry_unknown"), Failure("entry_busy").
    """
    row = _active(entry)
    if row.state == "running" and row.kind == "check" and performing.stop(row):
        return as_shown(row)
    row = _idle(entry)
    idle = (models.QueueEntry.id == row.id) & models.QueueEntry.state.in_(("queued", "waiting"))
    values = {"state": "cancelled", "answer": CANCELLED, "finished_at": now(), "owner": None}
    if not models.QueueEntry.update(**values).where(idle).execute():
        raise _busy(entry)
    if row.kind == "order":
        order.forget_key(instance.place, str(row.website))
        ledger.unused([str(row.website)], now())
    return as_shown(models.QueueEntry.get_by_id(row.id))


def _active(entry: int) -> models.QueueEntry:
    row = models.QueueEntry.get_or_none(models.QueueEntry.id == entry)
    if row is None or row.state not in queue.ACTIVE:
        words = f"{entry}: there is no such pending entry; see `autossl queue list`"
        raise Failure("entry_unknown", words, permanent=True)
    return row


def _idle(entry: int) -> models.QueueEntry:
    row = _active(entry)
    if row.state == "running":
        raise _busy(entry)
    return row


def _busy(entry: int) -> Failure:
    return Failure("entry_busy", f"{entry}: it is being worked on right now; wait until that ends")
