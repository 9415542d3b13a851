"""A mass revocation: a CA asks for the renewal of everything at once, on a clock that only counts.

Real rows, sets, windows and checks as the tick asks for them; the CA is a fake that keeps Let's Encrypt's own limits by
itself. Some of the websites have got a further name meanwhile, so that their orders count as new ones.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from unittest import mock

import models
from jobs import records, renewals
from jobs.check import check as run_steps
from jobs.config import Check, Config
from jobs.order import Ordering
from jobs.policy.ari import Suggestion, Window, certificate_id
from jobs.policy.certificate import Bundle
from jobs.policy.due import due_at
from jobs.policy.failure import Failure
from jobs.policy.proof import parse, read_certificate
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.ports import OrderRequest
from jobs.providers.letsencrypt import SPECS
from jobs.runlog import RunLog
from jobs.store import store
from jobs.wiring import renewal_windows
from jobs.wiring.instance import Instance
from jobs.world import Scope, World
from tests.fakes import NOW, TestCA, at_once
from tests.jobs.boulder_limits import BoulderLimits

TICK = timedelta(minutes=10)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
REVOKED_AFTER = DAY
"""After the CA has asked, it revokes (Baseline Requirements 4.9.1.1)."""

ASKED_EVERY = 6 * HOUR
ACCOUNT = "https://ca.test/acct/1"
URL = "https://ca.test/incident/7"


@dataclass
class Outcome:
    """`replaced`: when each website had its new certificate, after the CA asked; `asked`: questions about windows."""

    replaced: dict[str, timedelta] = field(default_factory=dict)
    orders: Counter[str] = field(default_factory=Counter)
    sets: Counter[tuple[str, frozenset[str]]] = field(default_factory=Counter)
    """Orders by website and names."""
    refused: list[str] = field(default_factory=list)
    not_the_most_urgent: list[str] = field(default_factory=list)
    asked: int = 0
    most_at_once: int = 0
    """Orders in one tick."""

    new_names: int = 0
    """How many of the replaced certificates have their website's new name as well, for which the CA wants a unit."""
    shown_early: int = 0


@dataclass
class _Site:
    main: str
    domain: str
    not_after: datetime
    new_name: bool
    known_at: datetime | None = None
    """When a check first was asked for because of the window."""


class Ca:
    """Tells windows, issues at once what its limits allow, and refuses the rest as the real one does."""

    def __init__(self, clock: Callable[[], datetime], random: Random, outcome: Outcome) -> None:
        self._ca, self._clock, self._random, self._outcome = TestCA(), clock, random, outcome
        self.sites: dict[str, _Site] = {}
        self.ends: dict[str, datetime] = {}
        """Of every certificate, by its id."""
        self.incident: datetime | None = None
        self.revoked: set[str] = set()
        self.limits = BoulderLimits()
        self.began = NOW
        """When the present check did."""

    def specs(self) -> Specs:
        return SPECS

    def made(self, names: tuple[str, ...], begins: datetime) -> Bundle:
        bundle = self._ca.bundle(names, begins)
        leaf = parse(bundle.leaf)
        identifier = certificate_id(leaf)
        assert identifier is not None
        self.ends[identifier] = leaf.not_valid_after_utc
        return bundle

    def renewal_info(self, identifier: str, seconds: float) -> Suggestion:
        self._outcome.asked += 1
        again = self._clock() + ASKED_EVERY * self._random.uniform(0.9, 1.1)
        if self.incident is not None and identifier in self.revoked:
            return Suggestion(Window(self.incident - HOUR, self.incident - HOUR / 2), URL, again)
        due = self.ends[identifier] - 30 * DAY
        return Suggestion(Window(due - 0.9 * DAY, due + 0.9 * DAY), None, again)

    @at_once
    def issue(self, request: OrderRequest, solvers: Any, journal: Any) -> Bundle:
        now, site = self._clock(), self.sites[request.names[0]]
        domains, replaces = [site.domain], request.replaces is not None
        if not self.limits.order(request.names, domains, now, replaces=replaces):
            raise Failure("ca_rate_limited", "too many certificates", now + 7 * DAY)
        self._outcome.orders[site.main] += 1
        self._outcome.sets[site.main, frozenset(request.names)] += 1
        journal.order_created(f"https://ca.test/order/{site.main}/{self._outcome.orders[site.main]}")
        self.limits.issue(request.names, domains, now, replaces=replaces)
        assert self.incident is not None
        self._outcome.replaced.setdefault(site.main, now - self.incident)
        self._outcome.new_names += f"new.{site.main}" in request.names
        self._note_if_another_was_more_urgent(site)
        return self.made(request.names, now)

    def _note_if_another_was_more_urgent(self, site: _Site) -> None:
        """One that waited for the same units when this check began, and that ends before."""
        for other in self.sites.values():
            waited = other.known_at is not None and other.known_at <= self.began
            rival = other.domain == site.domain and other.new_name and site.new_name and other.main != site.main
            if waited and rival and other.main not in self._outcome.replaced and other.not_after < site.not_after:
                self._outcome.not_the_most_urgent.append(f"{site.main} before {other.main}")


def revoke_everything(
    instance: Instance,
    number: int,
    domains: int,
    new_name_every: int,
    random: Random,
    say: Callable[[str], None] = lambda text: None,
) -> Outcome:
    """`number` websites with good certificates; then the CA asks, and the clock ticks until each is replaced.
    `new_name_every`: in each domain, every so manieth website has a new name."""
    clock = [NOW]
    outcome = Outcome()
    ca = Ca(lambda: clock[0], random, outcome)
    models.Provider.create(name="letsencrypt", plugin="letsencrypt", current=True, account_url=ACCOUNT, added_at=NOW)
    _secure(instance, ca, number, domains, new_name_every, random)
    log = RunLog(instance.place.logs, NOW, lambda: clock[0], None)

    def waits(moment: datetime) -> None:
        clock[0] = max(clock[0], moment)

    ordering = Ordering(
        instance.place, "letsencrypt", ca, {"http-01": None}, lambda: clock[0],  # type: ignore[arg-type, dict-item]
        account_url=ACCOUNT, wait_until=waits,
    )
    world = World(
        instance.place, Config(check=Check(service_names=(), concurrency=1)), lambda: clock[0], log, ordering, ACCOUNT,
        [], lambda: None, lambda service, changes: None, None,
    )

    def passes(names: Any, *_: object) -> dict[str, Verdict]:
        return {name: Verdict(name, True, "http-01") for name in names}

    with (
        mock.patch("jobs.validate.preflight", passes),
        mock.patch.object(renewal_windows, "now", lambda: clock[0]),
        mock.patch.object(renewal_windows, "bare", lambda row: ca),
    ):
        for _ in range(2 + number // renewal_windows.MOST):
            renewal_windows.ask_for_windows(instance, random.random)
            clock[0] += TICK
        assert records.accounts_due(clock[0]) == [], "nothing is due before the CA asks"
        _incident(ca, clock[0])
        while len(outcome.replaced) < number and clock[0] - (ca.incident or NOW) < 2 * DAY:
            _tick(world, instance, ca, random, outcome, clock)
            say(f"{clock[0] - (ca.incident or NOW)} after the CA asked: {len(outcome.replaced)} of {number}")
            clock[0] += TICK
    log.close()
    outcome.refused = ca.limits.refused
    return outcome


def _secure(instance: Instance, ca: Ca, number: int, domains: int, new_name_every: int, random: Random) -> None:
    """Certificates of all ages, none of which is due."""
    for one in range(number):
        domain = f"domain{one % domains}.com"
        main = f"site{one:04}.{domain}"
        account = f"user{one:04}"
        begins = NOW - random.uniform(1, 55) * DAY
        names = (main, f"www.{main}", f"mail.{main}")  # what is wanted for a website with one name
        bundle = ca.made(names, begins)
        certificate = read_certificate(bundle.leaf)
        store(instance.place, main, bundle, certificate, None)
        with models.database.atomic():
            models.Account.create(name=account, source="test", found_at=NOW)
            models.Website.create(account=account, main=main, names=json.dumps([main]), source="test", found_at=NOW)
            records.keep_certificate(main, certificate, "letsencrypt", due_at(certificate), begins)
            renewals.follow(bundle.chain, "letsencrypt", ACCOUNT, NOW)
        ca.limits.issue(names, [], begins)
        ca.sites[main] = _Site(main, domain, certificate.not_after, (one // domains) % new_name_every == 0)


def _incident(ca: Ca, now: datetime) -> None:
    ca.incident, ca.revoked = now, set(ca.ends)
    for site in ca.sites.values():
        if site.new_name:
            names = json.dumps([site.main, f"new.{site.main}"])
            models.Website.update(names=names).where(models.Website.main == site.main).execute()


def _tick(world: World, instance: Instance, ca: Ca, random: Random, outcome: Outcome, clock: list[datetime]) -> None:
    renewal_windows.ask_for_windows(instance, random.random)
    early = models.Certificate.ari_early & models.Certificate.retired_at.is_null()
    outcome.shown_early = max(outcome.shown_early, models.Certificate.select().where(early).count())
    due = records.accounts_due(clock[0])
    if not due:
        return
    for (main,) in models.Website.select(models.Website.main).where(models.Website.account.in_(due)).tuples():
        ca.sites[main].known_at = ca.sites[main].known_at or clock[0]
    ca.began, before = clock[0], sum(outcome.orders.values())
    run_steps(world, Scope(accounts=tuple(due)))
    outcome.most_at_once = max(outcome.most_at_once, sum(outcome.orders.values()) - before)
