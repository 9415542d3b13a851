"""Hands over what waits in the outbox, outside every transaction and beside every check."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import models
from jobs import outbox
from jobs.letter import Renderer
from jobs.policy.failure import Failure
from jobs.policy.journal import Kind, about
from jobs.policy.notify_recipients import MAIL
from jobs.policy.retry import STEPS
from jobs.ports import Letter
from jobs.wiring import options
from jobs.wiring.instance import Instance, now
from jobs.wiring.own_name import own_name
from jobs.wiring.parts import notifiers

_log = logging.getLogger("autossl.mail")


LATER = ("notifier_unreachable", "notifier_missing", "notifier_extra_missing")
"""Codes of failures that say nothing about the message: every other one meets the same."""


@dataclass(frozen=True)
class Sent:
    """How many messages were handed over, and how many were not; `next_at`: when there is something to do again."""

    sent: int
    failed: int
    next_at: datetime | None


def send_due(
    instance: Instance, render: Renderer, seconds: float, give_up: Callable[[], bool] = lambda: False
) -> Sent:
    """Hand over what is due; nothing more is begun after `seconds`, or when `give_up` says so.

    One message at a time, each for one recipient. Where a channel is down, what else waits for it is left for the next
    call. Raises Failure("config_invalid"), Failure("unreadable").
    """
    ends, turn = time.monotonic() + seconds, _Turn(instance, render)
    sent, tries = 0, {}
    outbox.give_up_stale(now())
    while time.monotonic() < ends and not give_up():
        row = outbox.due(now(), turn.down)
        if row is None:
            break
        if not outbox.claim(row, now()):
            continue
        failure = turn.hand_over(row)
        if failure is None:
            sent += 1
            continue
        extra = about(Kind.MESSAGE_FAILED, code=failure.code)
        _log.warning("message %s to %s: %s", row.id, row.recipient or row.channel, failure, extra=extra)
        tries[row.id] = row.run_after
    coming = [outbox.next_due(turn.down), *tries.values()]
    return Sent(sent, len(tries), min((moment for moment in coming if moment is not None), default=None))


def send_now(instance: Instance, render: Renderer, row: models.Message) -> Failure | None:
    """Try one message; why it was not taken."""
    if not outbox.claim(row, now()):
        raise Failure("entry_busy", f"message {row.id}: somebody else sends it")
    return _Turn(instance, render).hand_over(row)


class _Turn:
    """The notifiers of one call. `down`: channels that can't be used now."""

    def __init__(self, instance: Instance, render: Renderer) -> None:
        self._notifiers = notifiers(instance)
        self._own_name = own_name(instance.config.panel)
        self._sender = options.load(instance.config).mail_from or f"autossl@{self._own_name}"
        self._render = render
        self._out_of_order: set[str] = set()
        self.down: set[str] = set()

    def hand_over(self, row: models.Message) -> Failure | None:
        """A message that was claimed, to the end of this try."""
        try:
            letter = Letter(
                row.recipient, self._sender, row.subject, self._render(json.loads(row.content)), row.message_id,
                row.created_at,
            )
            answer = self._taken(letter, row.channel)
        except Failure as found:
            failure = found
        except Exception as error:  # noqa: BLE001 a bug in one message keeps none of the others from being sent
            _log.exception("message %s met something that nobody foresaw", row.id)
            failure = Failure("internal_error", f"{type(error).__name__}: {error}")
        else:
            outbox.close_sent(row, answer, now())
            for channel in {row.channel, self._channel(row.channel)}:
                outbox.hurry(channel, LATER, now())
            return None
        outbox.close_failed(row, failure, now())
        if failure.code in LATER:
            self.down.add(row.channel)
            if row.state == outbox.WAITING:
                outbox.hold(row.channel, failure, min(row.run_after, now() + STEPS[-1]))
        return failure

    def _channel(self, name: str) -> str:
        """The one that a notifier serves: a test goes by the notifier's own name, and shows that mail goes through."""
        notifier = self._notifiers.get(name)
        return MAIL if notifier is not None and notifier.addressed else name

    def _taken(self, letter: Letter, channel: str) -> str:
        """By the first notifier that is able to. Raises Failure."""
        trouble = Failure("notifier_missing", f"{channel}: no notifier is in use that could send it")
        for name, notifier in self._notifiers.items():
            fits = notifier.addressed if channel == MAIL else name == channel
            if not fits or name in self._out_of_order:
                continue
            try:
                return notifier.send(letter)
            except Failure as failure:
                if failure.code not in LATER:
                    raise
                trouble = failure
                self._out_of_order.add(name)
        raise trouble
