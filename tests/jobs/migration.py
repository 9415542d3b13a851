"""A migration: many websites in one registered domain, none of which has a certificate, on a clock that only counts.

Real rows, real checks as the tick asks for them; the CA is a fake that keeps Let's Encrypt's own limits by itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import models
from jobs import records
from jobs.check import check as run_steps
from jobs.config import Check, Config
from jobs.order import Ordering
from jobs.policy.failure import Failure
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.ports import OrderRequest
from jobs.providers.letsencrypt import SPECS
from jobs.runlog import RunLog
from jobs.wiring.instance import Instance
from jobs.world import Scope, World
from tests.fakes import NOW, TestCA, at_once
from tests.jobs.boulder_limits import BoulderLimits

DOMAIN = "example.com"
TICK = timedelta(minutes=10)
AT_ONCE, REFILL = 45, timedelta(minutes=202)
"""What behaviour section 5 takes of the CA's limit, not what our code says of it."""


def least(number: int) -> timedelta:
    """The least time in which so many new certificates can be had."""
    return max(0, number - AT_ONCE) * REFILL


@dataclass
class Outcome:
    """`took`: until the last website had its first certificate; `looked`: how often each was preflighted."""

    took: timedelta = timedelta(0)
    issued: Counter[str] = field(default_factory=Counter)
    looked: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    """Second certificates long before the first was due."""
    most_waiting: int = 0


class Ca:
    """Issues at once what its limits allow, and refuses the rest as the real one does."""

    def __init__(self, clock: Callable[[], datetime], outcome: Outcome) -> None:
        self._ca, self._clock, self._outcome = TestCA(), clock, outcome
        self._last: dict[str, datetime] = {}
        self.limits = BoulderLimits()

    def specs(self) -> Specs:
        return SPECS

    @at_once
    def issue(self, request: OrderRequest, solvers: Any, journal: Any) -> Any:
        now = self._clock()
        if not self.limits.order(request.names, [DOMAIN], now):
            raise Failure("ca_rate_limited", "too many certificates", now + timedelta(days=7))
        journal.order_created(f"https://ca.test/order/{sum(self._outcome.issued.values())}-{request.names[0]}")
        self.limits.issue(request.names, [DOMAIN], now)
        main = request.names[0]
        former = self._last.get(main)
        if former is not None and now - former < timedelta(days=60):
            self._outcome.twice.append(f"{main}: {former:%Y-%m-%d %H:%M} and {now:%Y-%m-%d %H:%M}")
        self._last[main] = now
        self._outcome.issued[main] += 1
        return self._ca.bundle(request.names, now)


def migrate(instance: Instance, number: int, say: Callable[[str], None] = lambda text: None) -> Outcome:
    """Bring `number` websites to the host at once, and tick until each has a certificate."""
    mains = [f"site{one:04}.{DOMAIN}" for one in range(number)]
    with models.database.atomic():
        for main in mains:
            account = main.partition(".")[0]
            models.Account.create(name=account, source="test", found_at=NOW)
            models.Website.create(account=account, main=main, names=json.dumps([main]), source="test", found_at=NOW)
    at, outcome = NOW, Outcome()
    ca = Ca(lambda: at, outcome)
    log = RunLog(instance.place.logs, NOW, lambda: at, None)
    ordering = Ordering(
        instance.place, "letsencrypt", ca, {"http-01": None}, lambda: at,  # type: ignore[arg-type, dict-item]
        wait_until=lambda moment: None,
    )
    world = World(
        instance.place, Config(check=Check(service_names=(), concurrency=4)), lambda: at, log, ordering, None, [],
        lambda: None, lambda service, changes: None, None,
    )

    def passes(names: Any, *_: object) -> dict[str, Verdict]:
        outcome.looked.update(names)
        return {name: Verdict(name, True, "http-01") for name in names}

    with mock.patch("jobs.validate.preflight", passes):
        due: list[str] | None = None
        while len(outcome.issued) < number and at - NOW <= least(number) + 10 * TICK:
            if due is None or due:
                run_steps(world, Scope(accounts=None if due is None else tuple(due)))
                outcome.most_waiting = max(outcome.most_waiting, _waiting())
                if len(outcome.issued) % 100 == 0:
                    say(f"{at - NOW} after the first check: {len(outcome.issued)} of {number}")
            outcome.took = at - NOW
            at += TICK
            due = records.accounts_due(at)
    log.close()
    outcome.refused = ca.limits.refused
    return outcome


def _waiting() -> int:
    entries = models.QueueEntry
    return int(entries.select().where((entries.kind == "order") & (entries.state == "waiting")).count())
