"""One website on a real database, a CA that says what a test wants, and a service: checks without any network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import jobs.validate
import models
from jobs import records
from jobs.check import check as run_steps
from jobs.config import Check, Config
from jobs.order import Ordering
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.ports import OrderRequest, Pending
from jobs.report import Case
from jobs.runlog import RunLog
from jobs.wiring import accounts
from jobs.wiring.instance import Instance
from jobs.world import Scope, World
from tests.fakes import NOW, FakeService, TestCA, at_once


class CA:
    """Makes an order, then says `answer`: a failure is raised, "pending" parks it, None gives the certificate."""

    def __init__(self) -> None:
        self.ca = TestCA()
        self.orders: dict[str, Bundle | None] = {}
        self.asked: list[str] = []
        self.answer: Failure | str | None = None
        self.refuses_orders: Failure | None = None
        self.retry_at = NOW
        self.names: tuple[str, ...] | None = None
        self.instead: Bundle | None = None
        """What `a.test` gets, whatever was ordered."""

    def specs(self) -> Specs:
        return Specs("Test CA", "https://ca.test/directory")

    @at_once
    def issue(self, request: OrderRequest, solvers: Any, journal: Any) -> Bundle | Pending:
        if self.refuses_orders:
            raise self.refuses_orders
        url = f"https://ca.test/order/{len(self.orders) + 1}"
        self.orders[url] = None
        journal.order_created(url)
        return self._finish(url, request)

    @at_once
    def resume(self, url: str, request: OrderRequest, solvers: Any) -> Bundle | Pending:
        self.asked.append(url)
        return self._finish(url, request)

    def _finish(self, url: str, request: OrderRequest) -> Bundle | Pending:
        if isinstance(self.answer, Failure):
            raise self.answer
        if self.answer == "pending":
            return Pending(url, self.retry_at, "processing")
        if self.instead is not None and "a.test" in request.names:
            return self.instead
        self.orders[url] = bundle = self.orders[url] or self.ca.bundle(self.names or request.names)
        return bundle


class Host:
    """A website `a.test` on a real database; every name passes its preflight; the clock is `at`."""

    def __init__(self, instance: Instance, root: Path) -> None:
        self.instance, self.ca, self.at = instance, CA(), NOW
        etc = root / "etc"
        etc.mkdir()
        self.service = FakeService(instance.place, etc)
        self.log = RunLog(instance.place.logs, NOW, self.clock, None)
        accounts.add(instance, "alice", None, "default", ["a.test"], None)

    def clock(self) -> datetime:
        return self.at

    def pass_by(self, **more: float) -> None:
        self.at += timedelta(**more)

    def check(self, forced: bool = False) -> Case:
        (case,) = self.check_all(forced)
        return case

    def check_all(self, forced: bool = False) -> list[Case]:
        return run_steps(self.world([self.service]), Scope(forced=forced))

    def world(self, services: Sequence[FakeService]) -> World:
        place = self.instance.place
        return World(
            place, Config(check=Check(service_names=())), self.clock, self.log,
            Ordering(place, "ca", self.ca, {"http-01": None}, self.clock),  # type: ignore[arg-type, dict-item]
            None, services, lambda: None, lambda service, changes: None, None,
        )

    def rows(self) -> list[models.QueueEntry]:
        orders = models.QueueEntry.kind == "order"
        return list(models.QueueEntry.select().where(orders).order_by(models.QueueEntry.id))

    def keys(self) -> list[str]:
        return [path.name for path in (self.instance.place.keys / "orders").iterdir()]

    def trouble(self) -> records.NameTrouble | None:
        return records.troubles().get("a.test", {}).get("")


@pytest.fixture
def host(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    def passes(names: Any, *_: object) -> dict[str, Verdict]:
        return {name: Verdict(name, True, "http-01") for name in names}

    monkeypatch.setattr(jobs.validate, "preflight", passes)
    made = Host(instance, tmp_path)
    yield made
    made.log.close()
