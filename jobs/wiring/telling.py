"""What there is to tell becomes messages of the outbox: one for each recipient and occasion, of what is news there."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from peewee import chunked

import models
from jobs import outbox
from jobs.policy.access import Role
from jobs.policy.digest import digest, subject
from jobs.policy.notify import Audience, Event, Kind, Weight
from jobs.policy.notify_recipients import Owner, Reader, Recipient, readers, wanted
from jobs.policy.notify_told import AGAIN_AFTER, Told, content_of, is_news, is_reminder
from jobs.policy.options import NotifyLevel, Options
from jobs.wiring import options
from jobs.wiring.instance import Instance
from jobs.wiring.own_name import own_name, panel_url
from jobs.wiring.parts import notifiers

_ROWS = 500
"""A statement: SQLite takes at most 32766 values at once."""


def tell(
    instance: Instance,
    events: Sequence[Event],
    settled: Collection[str],
    occasion: str,
    now: datetime,
    run: str = "",
    *,
    of_all: bool = True,
) -> int:
    """Put what is news to somebody into the outbox; returns how many messages that makes. `settled`: keys of what was
    found to be over; `occasion`: the same is told nobody twice; `run`: the check whose log has more; `of_all`:
    everything was looked at, so that reminders are due together.

    Nothing is sent here. Where no notifier is in use nobody is told, and nothing counts as told.
    Raises Failure("config_invalid"), Failure("unreadable").
    """
    asked = wanted(_readers(instance, options.load(instance.config)), events) if events else ()
    found = [(reader, news) for reader, mine in asked if (news := _news(reader.recipient, mine, now, of_all))]
    # a name server may be asked for it: not while others wait for the database, and not where nothing is told
    host, panel = own_name(instance.config.panel) if found else "", panel_url(instance.config.panel)
    count = 0
    with models.database.atomic():
        _note_over(settled, now)
        for reader, news in found:
            content = digest(news, reader.audience, host, panel, run)
            count += _put(reader.recipient, occasion, subject(news, host), content, host, now)
            _note_told(reader.recipient, news, now)
    return count


def put_test(instance: Instance, recipient: Recipient, now: datetime) -> models.Message:
    """A message that only tries the way, whatever the recipient was told before."""
    host, panel = own_name(instance.config.panel), panel_url(instance.config.panel)
    event, occasion = Event(Kind.TEST, "test"), f"{outbox.TEST}{secrets.token_hex(8)}"
    _put(recipient, occasion, subject([event], host), digest([event], Audience.ADMIN, host, panel), host, now)
    row: models.Message = models.Message.get(models.Message.key == f"{occasion}:{recipient.key}")
    return row


def forget(now: datetime) -> None:
    """Drop what nobody asks for any more: what lasts was told again meanwhile, and noted anew."""
    models.Told.delete().where(models.Told.told_at < now - 2 * AGAIN_AFTER).execute()


def _readers(instance: Instance, chosen: Options) -> tuple[Reader, ...]:
    inuse = notifiers(instance)
    mail = any(notifier.addressed for notifier in inuse.values())
    others = [name for name, notifier in inuse.items() if not notifier.addressed]
    return readers(chosen, mail, others, _owners() if mail else (), _resellers() if mail else {})


def _owners() -> Iterable[Owner]:
    row = models.Account
    query = row.select(row.name, row.contact, row.reseller, row.notify).where(row.gone_at.is_null())
    for name, contact, reseller, level in query.tuples():
        yield Owner(name, contact, reseller, NotifyLevel(level) if level in list(NotifyLevel) else None)


def _resellers() -> Mapping[str, str]:
    row = models.User
    known = (row.role == str(Role.RESELLER)) & row.contact.is_null(False)
    return dict(row.select(row.name, row.contact).where(known).tuples())


def _put(
    recipient: Recipient, occasion: str, said: str, content: Mapping[str, Any], host: str, now: datetime
) -> int:
    key, message_id = f"{occasion}:{recipient.key}", f"autossl.{secrets.token_hex(16)}@{host}"
    return outbox.put(key, recipient.channel, recipient.to, message_id, said, content, now)


def _news(recipient: Recipient, events: Iterable[Event], now: datetime, of_all: bool) -> list[Event]:
    known = _told(recipient)
    found = []
    for event in events:
        shapes = known.get(event.key, {})
        fresh = not event.waits and is_news(shapes.get(content_of(event)), now)
        if fresh or (of_all and is_reminder(shapes.values(), now)):
            found.append(event)
    return found


def _told(recipient: Recipient) -> dict[str, dict[str, Told]]:
    """By key and content."""
    row, found = models.Told, dict[str, dict[str, Told]]()
    query = row.select(row.key, row.content, row.told_at, row.gone_at).where(row.recipient == recipient.key)
    for one in query:
        found.setdefault(one.key, {})[one.content] = Told(one.told_at, one.gone_at is not None)
    return found


def _note_told(recipient: Recipient, events: Iterable[Event], now: datetime) -> None:
    """What went well is news each time, so that nobody has to remember it."""
    row = models.Told
    values = [
        {"recipient": recipient.key, "key": event.key, "content": content_of(event), "told_at": now, "gone_at": None}
        for event in events if event.weight is not Weight.SUCCESS
    ]
    for some in chunked(values, _ROWS):
        same = [row.recipient, row.key, row.content]
        row.insert_many(some).on_conflict(conflict_target=same, preserve=[row.told_at, row.gone_at]).execute()


def _note_over(settled: Collection[str], now: datetime) -> None:
    row = models.Told
    still = row.select(row.key).where(row.gone_at.is_null()).distinct().tuples()
    for some in chunked([key for (key,) in still if key in settled], _ROWS):
        row.update(gone_at=now).where(row.gone_at.is_null() & row.key.in_(some)).execute()
