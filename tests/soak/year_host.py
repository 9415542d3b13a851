"""The host of the simulated year: the real steps on a real database, with fakes at the ports only.

Faked are the CA, the web server, the source of websites, what the preflight sees of the net, and the clock. Everything
between is the product's own: discovery, decisions, ledger, orders, keys and sets on disk, installation, rows, log.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from peewee import fn

import jobs.validate
import jobs.wiring.discovery
import jobs.wiring.renewal_windows
import models
from jobs import records, runlog
from jobs.check import check
from jobs.config import Check, Config
from jobs.order import Ordering
from jobs.policy.ari import Suggestion, Window, certificate_id
from jobs.policy.certificate import Bundle, Certificate
from jobs.policy.coverage import UNUSED
from jobs.policy.failure import Failure
from jobs.policy.proof import parse, read_certificate
from jobs.policy.site import Account, Website
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.ports import Endpoint, Installed, OrderRequest, Pending, Place, Served
from jobs.providers.letsencrypt import LIMITS
from jobs.report import Case
from jobs.wiring import instance
from jobs.wiring.renewal_windows import ask_for_windows
from jobs.world import Scope, World
from tests.fakes import TestCA, at_once
from tests.soak.counts import Report
from tests.soak.year_world import BEGINNING, DAY, HOUR, YearWorld

ACCOUNT = "https://ca.test/account/1"
BACKDATED = HOUR
"""A CA's certificates begin to be valid a while before they are issued."""

STUCK = 300
"""Every so manieth order is processed for hours."""


class SimulatedClock:
    """`at`: the true time. The host's own may be wrong."""

    def __init__(self, world: YearWorld) -> None:
        self.at, self._world = BEGINNING, world

    def now(self) -> datetime:
        return self.at + self._world.clock_error(self.at)

    def wait_until(self, moment: datetime) -> None:
        """What takes a while passes."""
        self.at += max(timedelta(0), moment - self.now())


class YearCA:
    """Let's Encrypt with its limits, as far as the product keeps to them; each website's certificates live as long as
    the world says."""

    def __init__(self, world: YearWorld, clock: SimulatedClock, report: Report) -> None:
        self._world, self._clock, self._report = world, clock, report
        self._root = TestCA("Year Root")
        self._root_pem = self._root.certificate.public_bytes(serialization.Encoding.PEM)
        self._authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._root.key.public_key())
        self._ready: dict[str, datetime] = {}
        self._issued: dict[frozenset[str], datetime] = {}
        self._windows: dict[str, Window] = {}
        self.orders: list[tuple[datetime, str]] = []
        self.issued: list[tuple[datetime, str]] = []
        self.refused: list[tuple[datetime, str]] = []

    def specs(self) -> Specs:
        return Specs("Year CA", "https://ca.test/directory", limits=LIMITS)

    @at_once
    def issue(self, request: OrderRequest, solvers: Any, journal: Any) -> Bundle | Pending:
        self._reached()
        site = self._world.site_of[request.names[0]]
        self.orders.append((self._clock.at, site.main))
        self._report.order()
        number = len(self.orders)
        url = f"https://ca.test/order/{number}"
        journal.order_created(url)
        failing = [name for name in request.names if not self._world.by_name[name].works(self._clock.at)]
        if failing:
            self.refused.append((self._clock.at, site.main))
            said = {name: f"{name}: the CA's validation: no answer" for name in failing}
            raise Failure("validation_failed", "; ".join(said.values()), names=said)
        self._ready[url] = self._clock.at
        if number % STUCK == 0:
            self._ready[url] += HOUR * (1 + number % 7)
            self._report.fault("order that the CA processes for hours")
        return self._looked_at(url, request)

    @at_once
    def resume(self, url: str, request: OrderRequest, solvers: Any) -> Bundle | Pending:
        return self._looked_at(url, request)

    def _looked_at(self, url: str, request: OrderRequest) -> Bundle | Pending:
        self._reached()
        if url not in self._ready:
            raise Failure("order_gone", f"{url}: it is invalid")
        if self._clock.at < self._ready[url]:
            return Pending(url, self._clock.now(), "processing")
        return self._bundle(request)

    def renewal_info(self, certificate: str, seconds: float) -> Suggestion | None:
        self._reached()
        return Suggestion(self._windows[certificate], retry_at=self._clock.now() + DAY)

    def _reached(self) -> None:
        if not self._world.up(self._clock.at):
            raise Failure("ca_unreachable", "ca.test: no connection: timed out")

    def _bundle(self, request: OrderRequest) -> Bundle:
        now, names = self._clock.at.replace(microsecond=0), frozenset(request.names)
        site = self._world.site_of[request.names[0]]
        former = self._issued.get(names)
        if former is not None and now - former < HOUR:
            self._report.duplicate(f"{site.main}: issued again for the same names after {now - former}")
        self._issued[names] = now
        self.issued.append((now, site.main))
        self._report.issued()
        key: Any = load_pem_private_key(request.privkey, password=None)
        begins = now - min(BACKDATED, site.lifetime / 20)
        builder = (
            x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(self._root.certificate.subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(begins).not_valid_after(begins + site.lifetime)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in request.names]), critical=True)
        )
        if site.windows:
            builder = builder.add_extension(self._authority, critical=False)
        leaf = builder.sign(self._root.key, hashes.SHA256())
        due = begins + site.lifetime * (1 / 2 if site.lifetime < 10 * DAY else 2 / 3)
        if identity := certificate_id(leaf):
            self._windows[identity] = Window(due - site.lifetime / 100, due + site.lifetime / 100)
        return Bundle(request.privkey, (leaf.public_bytes(serialization.Encoding.PEM), self._root_pem))


class YearService:
    """A web server that presents what its links point to, once it was reloaded; it keeps what it presented when."""

    name = "apache"

    def __init__(self, place: Place, clock: SimulatedClock) -> None:
        self._place, self._clock = place, clock
        self._known: dict[Path, tuple[Certificate, bytes]] = {}
        self._targets: dict[str, str] = {}
        self.served: dict[str, list[tuple[datetime, Certificate]]] = {}
        self.reloads = 0

    def present(self) -> bool:
        return True

    def forget(self) -> None:
        pass

    def concerns(self, website: Website) -> bool:
        return True

    def installed(self, website: Website) -> Installed | None:
        link = self._place.link(website.main, self.name)
        try:
            target = os.readlink(link)
        except FileNotFoundError:
            return None
        return Installed(link / "fullchain.pem", self._read(link.parent / target)[0], True)

    def install(self, website: Website, certificate: Certificate) -> Sequence[Any]:
        return ()

    def test(self) -> None:
        pass

    def reload(self) -> None:
        self.reloads += 1
        for site in self._place.live.iterdir():
            link = site / self.name
            if not link.is_symlink():
                continue
            target = os.readlink(link)
            if self._targets.get(site.name) != target:
                self._targets[site.name] = target
                self.served.setdefault(site.name, []).append((self._clock.at, self._read(site / target)[0]))

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        endpoint = Endpoint("127.0.0.1", 443, website.main)
        target = self._targets.get(website.main)
        if target is None:
            return [Served(endpoint, None, "no certificate")]
        return [Served(endpoint, self._read(self._place.live / website.main / target)[1])]

    def _read(self, directory: Path) -> tuple[Certificate, bytes]:
        if directory not in self._known:
            pem = (directory / "cert.pem").read_bytes()
            self._known[directory] = read_certificate(pem), parse(pem).public_bytes(serialization.Encoding.DER)
        return self._known[directory]


class YearSource:
    """Says what websites there are."""

    name = "apache"

    def __init__(self, world: YearWorld, clock: SimulatedClock) -> None:
        self._world, self._clock = world, clock

    def accounts(self) -> Sequence[Account]:
        return [Account(name) for name in dict.fromkeys(site.account for site in self._there())]

    def websites(self) -> Sequence[Website]:
        moment = self._clock.at
        return [
            Website(site.account, tuple(name.fqdn for name in site.listed(moment)), "/srv/www", self.name)
            for site in self._there()
        ]

    def _there(self) -> list[Any]:
        return [site for site in self._world.sites if site.there(self._clock.at)]


class YearHost:
    """Checks all of them at night, and who has something due in between."""

    def __init__(self, world: YearWorld, report: Report, directory: Path) -> None:
        self.world, self.clock, self._report = world, SimulatedClock(world), report
        self.ca = YearCA(world, self.clock, report)
        instance.create(directory)
        models.database.close()
        self._instance = instance.open_instance(directory)
        place = self._place = self._instance.place
        self.service = YearService(place, self.clock)
        self.source = YearSource(world, self.clock)
        models.Provider.create(
            name="ca", plugin="letsencrypt", current=True, account_url=ACCOUNT, added_at=self.clock.now()
        )

    def discover(self) -> set[str]:
        """Ask the source; the accounts of what is new."""
        found = jobs.wiring.discovery.discover(self._instance)
        return {str(entry["account"]) for entry in found["new"]}

    def check(self, accounts: tuple[str, ...] | None) -> list[Case]:
        """One check as the wiring performs it, with a log of its own."""
        log = runlog.RunLog(self._place.logs, self.clock.now(), self.clock.now, None)
        try:
            cases = check(self._as_world(log), Scope(accounts))
        finally:
            log.close()
        for case in cases:
            if case.failure is not None and case.failure.code == "internal_error":
                self._report.broken(f"{case.website.main}: {case.failure.detail}")
        return cases

    def night(self) -> list[Case]:
        runlog.prune(self._place.logs, self.clock.now(), 30)
        return self.check(None)

    def due(self) -> tuple[str, ...]:
        """As the tick asks, after the CA was asked for its windows."""
        ask_for_windows(self._instance, lambda: 0.5)
        known = records.accounts()
        return tuple(account for account in records.accounts_due(self.clock.now()) if account in known)

    def next_date(self) -> datetime:
        """The first date ahead, by the host's clock, that a row has: before it no tick finds anything new."""
        now, far = self.clock.now(), self.clock.now() + 30 * DAY
        problem, state, live, entry = models.Problem, models.ServiceState, models.Certificate, models.QueueEntry
        dates = (
            problem.select(fn.MIN(problem.retry_at)).where((problem.retry_at > now) & (problem.code != UNUSED)),
            state.select(fn.MIN(state.retry_at)).where(state.retry_at > now),
            live.select(fn.MIN(live.due_at)).where((live.due_at > now) & live.retired_at.is_null()),
            live.select(fn.MIN(live.ari_next)).where((live.ari_next > now) & live.retired_at.is_null()),
            entry.select(fn.MIN(entry.run_after)).where((entry.run_after > now) & (entry.state == "waiting")),
        )
        return min((found for date in dates if (found := date.scalar()) is not None), default=far)

    def preflight(self, names: Any, setting: Any, solver: Any, known_good: Any) -> Mapping[str, Verdict]:
        moment = self.clock.at
        found = {}
        for name in names:
            there = self.world.by_name.get(name)
            if there is None or there.seen_failing(moment):
                found[name] = Verdict(name, False, None, "dns_nxdomain", f"{name}: there is no such name", False)
            else:
                found[name] = Verdict(name, True, "http-01")
        return found

    def close(self) -> None:
        self._instance.close()

    def _as_world(self, log: runlog.RunLog) -> World:
        ordering = Ordering(
            self._place, "ca", self.ca, {"http-01": None}, self.clock.now,  # type: ignore[dict-item]
            account_url=ACCOUNT, wait_until=self.clock.wait_until,
        )
        return World(
            self._place, Config(check=Check(concurrency=1, service_names=())), self.clock.now, log, ordering, ACCOUNT,
            [self.service], lambda: None, lambda service, changes: None, None,
        )


@contextmanager
def year_host(world: YearWorld, report: Report) -> Iterator[YearHost]:
    """Its files lie in memory, for a year has some hundred thousand waits for the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="autossl-year-", dir=memory if memory.is_dir() else None) as directory:
        host = YearHost(world, report, Path(directory) / "instance")
        with ExitStack() as faked:
            faked.enter_context(patch.object(jobs.validate, "preflight", host.preflight))
            faked.enter_context(patch.object(jobs.wiring.discovery, "sources", lambda _: [host.source]))
            for module in (jobs.wiring.discovery, jobs.wiring.renewal_windows):
                faked.enter_context(patch.object(module, "now", host.clock.now))
            faked.enter_context(patch.object(jobs.wiring.renewal_windows, "bare", lambda row: host.ca))
            try:
                yield host
            finally:
                host.close()
