"""Which provider is not to be asked before when, as rows: a CA that said "not before T", or that is down, is left in
peace by every website until then. A person's check tries all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from peewee import fn

import models
from jobs.courses import Waits
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.problems import problem
from jobs.policy.provider_pause import LIGHT, NAMED, SHORTEST, SINGLE_FAILURES, obeyed, pause_until

T = TypeVar("T")

USUAL_LIFETIME = timedelta(days=90)


@dataclass(frozen=True)
class Pause:
    """`provider` is not asked before `until` (aware, UTC), because of `code`: `text`."""

    provider: str
    since: datetime
    until: datetime
    code: str
    text: str


class InARow:
    """Websites of one run, one after the other, that a provider failed for reasons that may be each one's own; and
    whether the run has found it down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self.down: Paused | None = None

    def one_more(self) -> bool:
        """Whether there are so many by now that it is an outage."""
        with self._lock:
            self._count += 1
            return self._count >= SINGLE_FAILURES

    def ended(self) -> None:
        with self._lock:
            self._count = 0


class Paused(Failure):
    """The provider was not asked: it is to be left in peace until `retry_at`."""


def running(provider: str, now: datetime) -> Pause | None:
    """The pause of a provider that is not over."""
    row = _blocked(provider)
    return None if row is None else of(row, now)


def of(row: models.Provider, now: datetime) -> Pause | None:
    """The same, of a row that was read."""
    if row.blocked_until is None or row.blocked_until <= now:
        return None
    return Pause(row.name, row.blocked_since, row.blocked_until, row.blocked_code, row.blocked_text)


def require(provider: str, now: datetime, asked_by_person: datetime | None = None) -> None:
    """Raises Paused while the provider is to be left in peace.

    `asked_by_person`: since when a person's check runs. It tries once: only what the provider said since then counts.
    """
    pause = running(provider, now)
    if pause is None or (asked_by_person is not None and pause.since < asked_by_person):
        return
    raise _paused(provider, pause.code, pause.until)


def _paused(provider: str, code: str, until: datetime) -> Paused:
    # what it said to another website may name that one
    words = f"{provider} is not asked before {until:%Y-%m-%d %H:%M UTC}: {problem(code).title}"
    return Paused(code, words, until, of_provider=True)


def unless_down(course: Waits[T], row: InARow, clock: Callable[[], datetime]) -> Waits[T]:
    """The course of one website. Where the run finds the provider down while it waits, it has that for its failure,
    once, and does not ask as well: an order that exists is gone on with after the pause."""
    told = False
    try:
        seconds = next(course)
        while True:
            yield seconds
            down = None if told else row.down
            if down is not None and down.retry_at is not None and down.retry_at > clock():
                told = True
                seconds = course.throw(Paused(down.code, down.detail, down.retry_at, of_provider=True))
            else:
                seconds = next(course)
    except StopIteration as ended:
        result: T = ended.value
        return result
    finally:
        course.close()


def failed(
    provider: str, failure: Failure, at_stake: Certificate | None, asked_at: datetime, now: datetime, row: InARow
) -> Failure:
    """Take note of what came of asking for one website; returns the failure as it is to be kept and shown.

    Where it shows that the provider is down, or it named a time for everybody, its pause begins, its parked orders wait
    for the end of that, and the failure says when. `asked_at`: what was asked before the present pause began says
    nothing new about it, unless it names a later time. `at_stake`: the certificate that was to be renewed.
    """
    if isinstance(failure, Paused):
        return failure
    if not failure.of_provider and failure.code in NAMED and failure.retry_at is not None:
        failure.retry_at = obeyed(failure.retry_at, now, at_stake)
    if not failure.of_provider and not (failure.code in LIGHT and row.one_more()):
        return failure
    with models.database.atomic():
        known = models.Provider.get_or_none(models.Provider.name == provider)
        if known is None:
            return failure
        until = _begun(known, failure, asked_at, now)
    if failure.code in LIGHT:
        row.down = _paused(provider, failure.code, until)
    if failure.retry_at is not None and failure.retry_at > until:
        more = f"it names {failure.retry_at:%Y-%m-%d %H:%M UTC}, which is not waited for"
        words = f"{failure.detail}; {more}: it is asked again at {until:%Y-%m-%d %H:%M UTC}"
    else:
        words = f"{failure.detail}; it is not asked again before {until:%Y-%m-%d %H:%M UTC}"
    return Failure(failure.code, words, until, failure.permanent, failure.names, of_provider=True)


def _begun(row: models.Provider, failure: Failure, asked_at: datetime, now: datetime) -> datetime:
    """Begin a pause, or go on with the one that runs; returns when it ends."""
    present = row.blocked_until if row.blocked_until is not None and row.blocked_until > now else None
    old_news = row.blocked_since is not None and asked_at <= row.blocked_since
    if present is not None and failure.retry_at is None:
        if not old_news:  # a person tried in between, and once is enough
            _change(row.name, blocked_since=now)
        return present
    failures = row.failures if old_news else row.failures + 1
    permanent = failure.permanent and failure.code not in LIGHT
    until = pause_until(failure.retry_at, max(failures, 1), now, shortest_lifetime(), permanent=permanent)
    if present is not None and old_news and until < present + SHORTEST:  # the same time, told to several at once
        return present
    why = {"blocked_code": failure.code, "blocked_text": failure.detail}
    _change(row.name, failures=failures, blocked_since=now, blocked_until=until, **why)
    entries = models.QueueEntry
    parked = (entries.provider == row.name) & (entries.kind == "order") & (entries.state == "waiting")
    entries.update(run_after=until).where(parked & (entries.run_after < until)).execute()
    return until


def answered(provider: str, asked_at: datetime, now: datetime, row: InARow) -> None:
    """The provider did what it was asked for at `asked_at`: a pause from before then is over."""
    row.ended()
    known = _blocked(provider)
    if known is not None and known.blocked_since is not None and known.blocked_since < asked_at:
        row.down = None
        lift(provider, now)


def lift(provider: str, now: datetime) -> None:
    """The pause is over, whenever it was to end: what waited for that goes on at the next look."""
    with models.database.atomic():
        row = models.Provider.get_or_none(models.Provider.name == provider)
        if row is None:
            return
        until = row.blocked_until
        _change(provider, failures=0, blocked_since=None, blocked_until=None, blocked_code=None, blocked_text=None)
        if until is None or until <= now:
            return
        entries, problems = models.QueueEntry, models.Problem
        parked = (entries.provider == provider) & (entries.kind == "order") & (entries.state == "waiting")
        entries.update(run_after=now).where(parked & (entries.run_after == until)).execute()
        waits = (problems.name == "") & (problems.retry_at == until) & models.REAL_PROBLEM
        problems.update(retry_at=now).where(waits).execute()


def shortest_lifetime() -> timedelta:
    """Of the certificates in use."""
    row = models.Certificate
    days = fn.MIN(fn.julianday(row.not_after) - fn.julianday(row.not_before))
    found = row.select(days).where(row.retired_at.is_null()).scalar()
    return USUAL_LIFETIME if not found else timedelta(days=found)


def _blocked(provider: str) -> models.Provider | None:
    """No more than its name and its pause: it is asked for with every website."""
    row = models.Provider
    wanted = row.name, row.blocked_since, row.blocked_until, row.blocked_code, row.blocked_text
    found: models.Provider | None = row.select(*wanted).where(row.name == provider).first()
    return found


def _change(provider: str, **values: object) -> None:
    models.Provider.update(**values).where(models.Provider.name == provider).execute()
