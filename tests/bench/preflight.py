"""How many look-ups a second the preflight makes, beside a plain loop over `dns.resolver`.

A private host with a BIND of its own, which is the resolver and serves the zones: ten thousand names in one zone, and
as many in zones of five. A, AAAA and CAA of every name are looked up by `jobs.preflight.resolver.Lookup`, by way of the
resolver and at the zones' own servers (finding those is part of it), and beside it, in the same run, by the plain loop;
on loopback, and then with 20 ms between question and answer. Each look-up has to find what is there.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import dns.resolver

from jobs.demo.daemons.bind import ADDRESS, PORT, Zone, start_bind
from jobs.demo.daemons.starting import start
from jobs.preflight.resolver import Lookup
from jobs.preflight.wire import Server, Status
from tests.bench.figures import Report

PRIVATE_HOST_FOR = 600.0
PACKAGES = ("bind9", "bind9-utils", "util-linux")
KINDS = {"A": Status.FOUND, "AAAA": Status.FOUND, "CAA": Status.NO_DATA}
AT_ONCE = 128
"""Names worked on at a time, as by the preflight itself (`Setting.concurrency`)."""

NAMES, RUNS = 10_000, 3
QUICK_NAMES, QUICK_RUNS = 1_000, 1
NAMES_OF_ZONE = 5
LATENCY, SLOW_PORT = 20, 5300
"""Milliseconds that every answer is held back, by `tests.bench.slow_line` on SLOW_PORT."""

PLAIN = "plain loop over dns.resolver"
OUR_WAYS = ("Lookup, by the resolver", "Lookup, at the zones' servers")
PLACES = {"loopback": (PORT, 1000, 3.0), f"{LATENCY} ms": (SLOW_PORT, 40, 60.0)}
"""The port of the server, how many names the plain loop gets there, and how many times its rate ours has to be."""

Way = Callable[[Sequence[str]], int]


def run(report: Report) -> None:
    count, runs = (QUICK_NAMES, QUICK_RUNS) if report.quick else (NAMES, RUNS)
    layouts = {
        "one zone": {f"n{number}.one.test": "one.test" for number in range(count)},
        f"zones of {NAMES_OF_ZONE}": {
            f"n{number}.z{number // NAMES_OF_ZONE}.test": f"z{number // NAMES_OF_ZONE}.test" for number in range(count)
        },
    }
    start_bind([zone for layout in layouts.values() for zone in _zones(layout)])
    line = [sys.executable, "-m", "tests.bench.slow_line", str(SLOW_PORT), str(PORT), str(LATENCY)]
    start("slow_line", line, [SLOW_PORT])
    for zones, layout in layouts.items():
        for where in PLACES:
            report.say(f"{where}, {zones}")
            _told(report, where, zones, _rates(list(layout), where, runs))


def _zones(layout: Mapping[str, str]) -> Iterator[Zone]:
    records: dict[str, list[tuple[str, str, str]]] = {}
    for name, zone in layout.items():
        label = name.removesuffix(f".{zone}")
        records.setdefault(zone, []).extend([(label, "A", "192.0.2.1"), (label, "AAAA", "2001:db8::1")])
    for zone, content in records.items():
        yield Zone(zone, content)


def _rates(names: Sequence[str], where: str, runs: int) -> dict[str, list[float]]:
    """Names a second by way, of each run. The ways take turns, so that whatever else happens on the machine hits them
    alike. The plain loop gets fewer names, for its speed doesn't depend on how many they are."""
    port, plain_names, _ = PLACES[where]
    server = Server(ADDRESS, port)
    ways: dict[str, tuple[Way, int | None]] = {
        PLAIN: (lambda some: _plainly(some, server), plain_names),
        OUR_WAYS[0]: (lambda some: asyncio.run(_together(some, server, False)), None),
        OUR_WAYS[1]: (lambda some: asyncio.run(_together(some, server, True)), None),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(runs):
        for way, (look_up, most) in ways.items():
            some = names[:most]
            began = time.perf_counter()
            right = look_up(some)
            rates[way].append(len(some) / (time.perf_counter() - began))
            if right != len(some) * len(KINDS):
                raise RuntimeError(f"{way}, {where}: {right} of {len(some) * len(KINDS)} look-ups were right")
    return rates


def _plainly(names: Sequence[str], server: Server) -> int:
    """One after the other; how many of the answers were right."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [server.address], server.port
    right = 0
    for name in names:
        for kind, status in KINDS.items():
            answer = resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
            right += (answer.rrset is not None) is (status is Status.FOUND)
    return right


async def _together(names: Sequence[str], server: Server, authoritative: bool) -> int:
    lookup = Lookup([server], authoritative, timeout=10, port=server.port)
    left, right = iter(names), 0

    async def work() -> None:
        nonlocal right
        for name in left:
            for kind, status in KINDS.items():
                found = await lookup.ask(name, kind)
                right += found.status is status and not found.warnings

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return right


def _told(report: Report, where: str, zones: str, rates: Mapping[str, Sequence[float]]) -> None:
    table, least = f"A, AAAA and CAA of each name, {zones}, {where}", PLACES[where][2]
    plain = statistics.median(rates[PLAIN])
    for way, found in rates.items():
        report.took(table, way, "names a second", found, "/s")
        report.took(table, way, "by the plain loop's", [statistics.median(found) / plain], "times")
    for way in OUR_WAYS:
        words = f"names a second, {way.removeprefix('Lookup, ')}, {zones}, {where}, by the plain loop's"
        report.at_least(words, statistics.median(rates[way]) / plain, least, "times")
