"""How quickly the pages of a large installation answer, at rest and while certificates are issued.

First every page and partial of an installation with ten thousand accounts and fifty thousand names, asked of the WSGI
application, without network and TLS; at rest, then while a thread writes rows as a run does. Then the real program with
its own HTTPS server, asked over TLS from other processes, on a server with as many accounts: one client, thirty-two
clients that each ask for the next page as soon as they have one, and twenty browsers with open pages; at rest, and
while its worker issues certificates from a Pebble that does not wait.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from jobs.demo.packages import FOR_DEMO
from jobs.demo.product import Product
from tests.bench.application import ask_every_page
from tests.bench.asked import ask, begun, ended, one_client, percentile, refuse_wrong, took
from tests.bench.figures import Report
from tests.bench.installation import SIZES, installation, pages, titles
from tests.bench.large_host import ISSUING, LargeHost, begin_issuing, prepare, serving, signed_in, state_of

PRIVATE_HOST_FOR = 900.0
PACKAGES = FOR_DEMO

BROWSERS, CROWD = 20, 32
OPEN = ("/", "/queue", "/logs", "/logs/{run}", f"/users?q={ISSUING}")
"""What the browsers have open, in turns."""

GROWTH_PORT = 2088
LONGEST_RUN = 300.0


def run(report: Report) -> None:
    accounts = SIZES[-1]
    ask_every_page(report, accounts, 5 if report.quick else 60)
    host = prepare(accounts, 60 if report.quick else 1_000)
    with serving(host.product):
        cookie = signed_in()
        _at_rest(report, host, cookie, accounts)
        _while_issuing(report, host, cookie)
    _growth(report, SIZES[:1] if report.quick else SIZES)


def _at_rest(report: Report, host: LargeHost, cookie: str, accounts: int) -> None:
    """One client, then many, at the real program that has nothing else to do."""
    seconds, every = 2.0 if report.quick else 10.0, pages(host.large)
    found = one_client(cookie, every, 5 if report.quick else 40)
    table = f"autossl serve over TLS at rest, {accounts} accounts, one client"
    for title, times in zip(titles(every), found, strict=True):
        took(report, table, title, "time", times)
    medians = [statistics.median(times) for times in found]
    everything = [one for times in found for one in times]
    took(report, table, "all of them", "time", everything)
    report.at_most("one client, all pages in turns, median", statistics.median(everything), 10, "ms")
    report.at_most("one client, the slowest page, median", max(medians), 10, "ms")
    for kept, words in ((True, "kept connections"), (False, "a new connection each")):
        paths = [path for _, path in every]
        told = ask("crowd", cookie, paths=paths, clients=CROWD, seconds=seconds, kept=kept)
        refuse_wrong(told["wrong"])
        table, times = f"{CROWD} clients, each asking on at once", told["times"]
        took(report, table, words, "time", times)
        report.took(table, words, "a second", [len(times) / seconds], "requests")
        tail = percentile(times, 0.99) / statistics.median(times)
        report.at_most(f"{CROWD} clients, {words}, 99th percentile by median", tail, 3, "times")


def _while_issuing(report: Report, host: LargeHost, cookie: str) -> None:
    """Browsers poll for as long as the run takes."""
    entry = begin_issuing()
    run = state_of(entry, lambda row: row.state == "running" and row.answer, LONGEST_RUN).answer
    started = time.monotonic()
    watching = begun("browsers", cookie, paths=[OPEN[number % len(OPEN)].format(run=run) for number in range(BROWSERS)])
    state_of(entry, lambda row: row.finished_at is not None, LONGEST_RUN)
    seconds = time.monotonic() - started
    told = ended(watching)
    refuse_wrong(told["wrong"])
    issued, times = host.ca.issued(), told["times"]
    table = "autossl serve while it issues as quickly as it can"
    took(report, table, f"{BROWSERS} browsers, {told['polls']} polls every 2 s", "time", times)
    report.took(table, "the run", "a second", [issued / seconds], "certificates")
    report.note(f"the run issued {issued} certificates in {seconds:.1f} s, meanwhile {len(times)} polls were answered")
    report.at_most(f"{BROWSERS} browsers during a run, median", statistics.median(times), 50, "ms")
    report.at_most(f"{BROWSERS} browsers during a run, 99th percentile", percentile(times, 0.99), 100, "ms")


def _growth(report: Report, sizes: Sequence[int]) -> None:
    """One client at installations of several sizes, again the real program."""
    for accounts in sizes:
        with installation(accounts, working=False) as (place, _, large), serving(Product(place.instance), GROWTH_PORT):
            found = one_client(signed_in(GROWTH_PORT), pages(large), 5 if report.quick else 15, GROWTH_PORT)
        times = [one for page in found for one in page]
        report.point("pages", "median ms", accounts, statistics.median(times))
        report.point("pages", "99th percentile ms", accounts, percentile(times, 0.99))
        report.say(f"{accounts} accounts: median {statistics.median(times):.1f} ms")
