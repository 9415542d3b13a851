"""An installation whose provider is a real Pebble behind a proxy with faults, and which has no service; checks run as
the command line has them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import models
from jobs import issuing
from jobs.courses import finish
from jobs.wiring import accounts, checks, providers
from jobs.wiring.custom_provider import Custom
from jobs.wiring.instance import Instance
from tests.bare_instance import bare_instance
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.jobs.acme.pebble import Pebble, start_pebble
from tests.quick_time import QuickTime, make_quick

PROVIDER = "faulty"
TERMS = "data:text/plain,Do%20what%20thou%20wilt"
_TIMES = {
    models.Provider: ("blocked_since", "blocked_until", "account_renewed_at"),
    models.Problem: ("retry_at",),
    models.QueueEntry: ("run_after", "requested_at"),
}


class Site:
    """The installation, its CA and what stands between them."""

    def __init__(self, instance: Instance, pebble: Pebble, proxy: FaultProxy, quick: QuickTime) -> None:
        self.instance, self.pebble, self.proxy, self.quick = instance, pebble, proxy, quick
        accepted = Custom(proxy.directory_url, ca_pem=pebble.ca_file.read_text())
        providers.add(instance, PROVIDER, accepted)
        providers.use(instance, PROVIDER, True)
        proxy.heals()

    def add(self, *names: str) -> None:
        """A website for each name, all of one account."""
        for name in names:
            accounts.add(self.instance, name.partition(".")[0], None, "default", [name], None)

    def check(self, forced: bool = False) -> dict[str, Any]:
        """By website."""
        self.proxy.asked.clear()
        report = checks.check(self.instance, None, forced)
        return {one["website"]: one for one in report["websites"]}

    def pass_by(self, **time: float) -> None:
        """Everything that is stored was stored so much longer ago."""
        for table, columns in _TIMES.items():
            for row in table.select():
                past = {key: getattr(row, key) - timedelta(**time) for key in columns if getattr(row, key) is not None}
                if past:
                    table.update(**past).where(table._meta.primary_key == row.get_id()).execute()

    def row(self) -> models.Provider:
        return models.Provider.get_by_id(PROVIDER)

    def orders(self) -> list[models.QueueEntry]:
        rows = models.QueueEntry.select().where(models.QueueEntry.kind == "order")
        return list(rows.order_by(models.QueueEntry.id))

    def problem(self, website: str) -> models.Problem | None:
        return models.Problem.get_or_none((models.Problem.website == website) & (models.Problem.name == ""))


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    pebble = start_pebble(tmp_path_factory.mktemp("ca"))
    yield pebble
    pebble.stop()


@pytest.fixture
def site(ca: Pebble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("jobs.wiring.checks.services", lambda instance: [])
    root, more = tmp_path / "instance", (
        f"[check]\nservice_names = []\n"
        f"[dns]\nresolvers = ['127.0.0.1:{ca.dns_port}']\n"
        f"[validation]\nhttp_port = {ca.http_port}\ntimeout = 5.0\n"
    )
    quick = make_quick(monkeypatch)
    monkeypatch.setattr(issuing, "finish_all", lambda begin, *_: [finish(start()) for start in begin])
    with bare_instance(root, more) as instance, fault_proxy(ca) as proxy:
        (root / "challenges").rmdir()
        (root / "challenges").symlink_to(ca.challenges)  # which its web server shows to the CA
        yield Site(instance, ca, proxy, quick)
