"""Messages as an administrator sees them: what waits, what could not be handed over, and whether the way works."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import models
from jobs import outbox
from jobs.policy.contact import mail_address
from jobs.policy.failure import Failure
from jobs.policy.notify_recipients import Recipient
from jobs.policy.site import InvalidName
from jobs.report import stamp
from jobs.wiring import options
from jobs.wiring.instance import Instance, now
from jobs.wiring.parts import notifiers
from jobs.wiring.telling import put_test

FRESH = timedelta(days=7)
"""For so long what was given up is shown."""

MOST = 20
WAITING = outbox.WAITING
_TESTS = models.Message.key.startswith(outbox.TEST)


def tests(instance: Instance, notifier: str | None, address: str) -> list[models.Message]:
    """Put a test message for this notifier, or for each that is in use, into the outbox: to `address`, or to every
    administrator. Each is tried once.

    Raises Failure("notifier_missing"), Failure("option_invalid").
    """
    inuse = notifiers(instance)
    if not inuse or notifier not in (None, *inuse):
        words = f"{notifier}: no such notifier is in use" if notifier else "no notifier is in use"
        how = "set one up under Options, or by `autossl plugin set sendmail enabled=yes`; see `autossl plugin list`"
        raise Failure("notifier_missing", f"{words}; {how}")
    chosen = {name: one for name, one in inuse.items() if notifier in (None, name)}
    to = [_checked(address)] if address else list(options.load(instance.config).admin_addresses)
    recipients = [
        Recipient(name, one) for name, found in chosen.items() for one in (to if found.addressed else [""])
    ]
    if not recipients:
        words = "no administrator has a mail address here: name one, or `autossl option set admin_addresses ADDRESS`"
        raise Failure("option_invalid", words, permanent=True)
    return [put_test(instance, recipient, now()) for recipient in recipients]


def latest_test(notifier: str) -> models.Message | None:
    """The newest test of a notifier."""
    row = models.Message
    of_it = row.select().where(_TESTS & (row.channel == notifier))
    found: models.Message | None = of_it.order_by(row.id.desc()).first()
    return found


def given_up(moment: datetime) -> list[models.Message]:
    """What could not be handed over lately, the newest first; tests are told of by themselves."""
    row = models.Message
    return list(row.select().where(_given_up(moment)).order_by(row.finished_at.desc()).limit(MOST))


def waiting() -> list[models.Message]:
    """What is not handed over yet, the next one first."""
    row = models.Message
    return list(row.select().where(row.state == outbox.WAITING).order_by(row.run_after, row.id).limit(MOST))


def trouble(moment: datetime) -> models.Message | None:
    """A message that was tried in vain: one that waits for its next try, else the last that was given up lately. One
    query, answered by indexes."""
    row = models.Message
    late = (row.state == outbox.WAITING) & (row.code != "") & (row.attempts > 1)
    found: models.Message | None = (
        row.select().where(late | _given_up(moment)).order_by(row.state.desc(), row.finished_at.desc()).first()
    )
    return found


def facts(row: models.Message) -> dict[str, Any]:
    """As JSON has it; the content is what its recipient reads."""
    return {
        "id": row.id,
        "channel": row.channel,
        "recipient": row.recipient,
        "subject": row.subject,
        "state": row.state,
        "attempts": row.attempts,
        "code": row.code,
        "answer": row.answer,
        "created": stamp(row.created_at),
        "next_try": stamp(row.run_after) if row.state == outbox.WAITING else None,
        "finished": stamp(row.finished_at),
    }


def _given_up(moment: datetime) -> Any:
    row = models.Message
    return (row.state == outbox.FAILED) & (row.finished_at > moment - FRESH) & ~_TESTS


def _checked(address: str) -> str:
    try:
        return mail_address(address)
    except InvalidName as error:
        raise Failure("option_invalid", f"{address[:80]!r}: {error}", permanent=True) from error
