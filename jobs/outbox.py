"""Messages that wait to be handed over, as rows: claimed by one conditional UPDATE, handed over outside a transaction,
then closed. So each is handed over once, and at least once after a crash in between.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from peewee import SQL

import models
from jobs.policy.failure import Failure
from jobs.policy.resend import GIVEN_UP_AFTER, next_send

WAITING, SENT, FAILED = "waiting", "sent", "failed"
TEST = "test:"
"""At the beginning of the key of a message that only tries the way: it is tried once."""

LEASE = timedelta(minutes=10)
"""For so long a claimed message is left to who claimed it; no try takes nearly as long."""


def put(
    key: str, channel: str, recipient: str, message_id: str, subject: str, content: Mapping[str, Any], now: datetime
) -> bool:
    """Add a message; False if one of that key was added before."""
    values = {
        "key": key, "channel": channel, "recipient": recipient, "message_id": message_id, "subject": subject,
        "content": json.dumps(content), "created_at": now, "run_after": now, "attempts": 0, "state": WAITING,
        "code": "", "answer": "",
    }
    return bool(models.Message.insert(**values).on_conflict_ignore().as_rowcount().execute())


def due(now: datetime, down: Collection[str] = ()) -> models.Message | None:
    """The message that is to be handed over next; none of the channels in `down`."""
    row = models.Message
    wanted = (row.state == WAITING) & (row.run_after <= now) & _not_of(down)
    found: models.Message | None = row.select().where(wanted).order_by(row.run_after, row.id).first()
    return found


def next_due(down: Collection[str] = ()) -> datetime | None:
    """When the next message may be handed over, of the channels that are not in `down`."""
    row = models.Message
    first = row.select(row.run_after).where((row.state == WAITING) & _not_of(down)).order_by(row.run_after).first()
    return None if first is None else first.run_after


def claim(row: models.Message, now: datetime) -> bool:
    """Take a message that was read as due; False if somebody else was quicker."""
    table = models.Message
    as_read = (table.id == row.id) & (table.state == WAITING) & (table.attempts == row.attempts)
    values = {"run_after": now + LEASE, "attempts": row.attempts + 1, "tried_at": now, "code": ""}
    if not table.update(**values).where(as_read & (table.run_after <= now)).execute():
        return False
    row.attempts += 1
    return True


def close_sent(row: models.Message, answer: str, now: datetime) -> None:
    _update(row, state=SENT, answer=answer, finished_at=now)


def close_failed(row: models.Message, failure: Failure, now: datetime) -> None:
    """Try it again later, or give it up: refused for ever, a week old, or a test."""
    once = row.key.startswith(TEST)
    later = None if failure.permanent or once else next_send(row.attempts, row.created_at, now)
    if later is None:
        _update(row, state=FAILED, code=failure.code, answer=failure.detail, finished_at=now)
    else:
        _update(row, run_after=later, code=failure.code, answer=failure.detail)


def hold(channel: str, failure: Failure, until: datetime) -> None:
    """The channel is down: what waits for it meets the same, and is not tried before what found that out."""
    row = models.Message
    waits = (row.state == WAITING) & (row.run_after < until) & (row.channel == channel)
    row.update(run_after=until, code=failure.code, answer=failure.detail).where(waits).execute()


def hurry(channel: str, codes: Collection[str], now: datetime) -> None:
    """The channel works: what waits, since it did not (one of `codes`), need not wait any longer."""
    row = models.Message
    waits = (row.state == WAITING) & (row.run_after > now) & (row.channel == channel) & row.code.in_(list(codes))
    row.update(run_after=now).where(waits).execute()


def give_up_stale(now: datetime) -> int:
    """Messages that are too old to be news, which a channel that is down has kept here; returns how many."""
    row = models.Message
    old = (row.state == WAITING) & (row.created_at < now - GIVEN_UP_AFTER) & (row.run_after <= now)
    return int(row.update(state=FAILED, finished_at=now).where(old).execute())


def forget(before: datetime) -> None:
    """Remove what was handed over or given up before then."""
    for state in (SENT, FAILED):
        models.Message.delete().where((models.Message.state == state) & (models.Message.finished_at < before)).execute()


def _not_of(channels: Collection[str]) -> Any:
    return models.Message.channel.not_in(list(channels)) if channels else SQL("1")


def _update(row: models.Message, **values: Any) -> None:
    models.Message.update(**values).where(models.Message.id == row.id).execute()
    for name, value in values.items():
        setattr(row, name, value)
