"""A CA with every fault at once, at random: refused nonces, lost answers, errors, pages, slow and late answers.

Orders at a real Pebble behind the fault proxy. Each is gone on with as the queue does it, look after look, while any
request may meet any fault; now and then the CA is restarted and has forgotten everything. What counts: each order ends
with a certificate that is right, no order is made while another one is known, and none is finalized twice.
"""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.courses import finish
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.proof import prove
from jobs.providers.custom import Options, Provider
from tests.fault_proxy import Cuts, Fault, FaultProxy, RefusesNonce, Says, Trickles, What, fault_proxy
from tests.jobs.acme.client import Notes, request, solvers
from tests.jobs.acme.pebble import Pebble, start_pebble
from tests.quick_time import QuickTime, make_quick
from tests.soak.counts import Report

ORDERS, SHORT_ORDERS = 300, 30
LOOKS = 200
"""An order that has no certificate after so many has lost it."""
RESTARTS_EVERY = 60
KINDS = ("directory", "newNonce", "newOrder", "order", "authz", "challenge", "finalize", "certificate")
FAULTS: dict[str, What] = {
    "refused nonce": RefusesNonce(),
    "reset before the request": Cuts(),
    "answer lost": Cuts(after=True),
    "500": Says(500),
    "503 with Retry-After": Says(503, retry_after=3600),
    "429 with Retry-After": Says(429, "rateLimited", "Service busy; retry later.", retry_after=60),
    "a page instead": Says(200, page="<h1>Maintenance</h1>"),
    "502 page": Says(502, page="<h1>Bad gateway</h1>"),
    "answer by bytes": Trickles(0.01),
}
SIGNED = frozenset(KINDS) - {"directory", "newNonce"}


def run(report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        quick = make_quick(patch, QuickTime(0.05))
        quick.flies_once()  # so that what hangs is parked, and looked at again
        patch.setattr("jobs.providers.protocol.wire.WHOLE_ANSWER", 0.2)
        patch.setattr("jobs.providers.protocol.directory.FAILED_FOR", 0.0)
        pebble = start_pebble(Path(folder))
        try:
            with fault_proxy(pebble) as proxy:
                Storm(report, pebble, proxy).blow()
        finally:
            pebble.stop()


class Storm:
    """Orders one after the other, each under faults of its own."""

    def __init__(self, report: Report, pebble: Pebble, proxy: FaultProxy) -> None:
        self._report, self._pebble, self._proxy = report, pebble, proxy
        self._random: random.Random = report.random
        self._options = Options(directory=proxy.directory_url, ca_bundle=str(pebble.ca_file))
        self._register()
        self._looks = 0

    def blow(self) -> None:
        number = SHORT_ORDERS if self._report.short else ORDERS
        for count in range(1, number + 1):
            if count % RESTARTS_EVERY == 0:
                self._pebble.restart_ca()
                self._register()
                self._report.fault("CA restarted")
            self._order(f"storm{count}.test")
            if count % 50 == 0:
                self._report.say(f"{count} of {number} orders")
        self._report.figure("looks at an order", self._looks / number)

    def _register(self) -> None:
        self._proxy.heals()
        self._provider = Provider(self._options, Provider(self._options).register(None, True, None))

    def _order(self, name: str) -> None:
        self._proxy.heals()
        faults = self._some_faults()
        asked, notes, solving = request(name, f"www.{name}"), Notes(), solvers(self._pebble)
        gone = 0
        for _ in range(LOOKS):
            self._looks += 1
            try:
                known = notes.urls[gone:]
                found = finish(
                    self._provider.resume(known[-1], asked, solving) if known
                    else self._provider.issue(asked, solving, notes)
                )
            except Failure as failure:
                gone = len(notes.urls) if failure.code == "order_gone" else gone
                continue
            if isinstance(found, Bundle):
                prove(found, asked.names, datetime.now(UTC))
                break
        else:
            self._report.lost(f"{name}: no certificate after {LOOKS} looks")
        self._count(name, notes, faults)

    def _some_faults(self) -> dict[str, Fault]:
        """Up to four, each for some kinds of requests and a part of them."""
        found, number = {}, self._random.randint(1, 4)
        for what in self._random.sample(sorted(FAULTS), number):
            usable = sorted(SIGNED) if isinstance(FAULTS[what], RefusesNonce) else list(KINDS)
            kinds = self._random.sample(usable, self._random.randint(1, len(usable)))
            chance, seed = self._random.uniform(0.1, 0.6) / number, self._random.randrange(2**32)
            found[what] = self._proxy.fault(FAULTS[what], *kinds, chance=chance, seed=seed)
        return found

    def _count(self, name: str, notes: Notes, faults: dict[str, Fault]) -> None:
        for what, fault in faults.items():
            self._report.fault(what, fault.met)
        made, certificates = self._proxy.done["newOrder"], self._proxy.done["finalize"]
        self._report.order(made)
        self._report.issued(certificates)
        if len(notes.urls) > 1:
            self._report.duplicate(f"{name}: {len(notes.urls)} orders were known, one after the other")
        unheard = self._proxy.unheard["newOrder"]
        if made > len(notes.urls) + unheard:
            words = f"of which {len(notes.urls)} are known, and {unheard} are of lost answers"
            self._report.duplicate(f"{name}: {made} orders were made, {words}")
        if certificates > 1:
            self._report.duplicate(f"{name}: {certificates} certificates were issued")
        left = [path.name for path in self._pebble.challenges.iterdir()]
        if left:
            self._report.broken(f"{name}: challenges were left: {', '.join(left)}")
