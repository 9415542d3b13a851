"""How many look-ups a second the preflight makes: `bash tests/run bench preflight [--names N] [--runs N]`.

A private host with a BIND of its own, which is the resolver and serves the zones: N names in one zone, and as many in
zones of five. A, AAAA and CAA of every name are looked up by `jobs.preflight.resolver.Lookup`, by way of the resolver
and at the zones' own servers (finding those is part of it), and beside it, in the same run, by a plain loop over
`dns.resolver`; on loopback, and then with 20 ms between question and answer. Prints medians and how they compare. It
measures, it asserts nothing but that each look-up finds what it has to; the aim is three times the plain loop on
loopback, and sixty times with latency.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import dns.resolver

from jobs.demo.daemons.bind import ADDRESS, PORT, Zone, start_bind
from jobs.demo.daemons.starting import start
from jobs.demo.private_host import PrivateHost
from jobs.preflight.resolver import Lookup
from jobs.preflight.wire import Server, Status

KINDS = {"A": Status.FOUND, "AAAA": Status.FOUND, "CAA": Status.NO_DATA}
AT_ONCE = 128
"""Names worked on at a time, as by the preflight itself (`Setting.concurrency`)."""

NAMES_OF_ZONE = 5
LATENCY, SLOW_PORT = 20, 5300
"""Milliseconds that every answer is held back, by `tests.bench.slow_line` on SLOW_PORT."""

PLAIN = "plain loop over dns.resolver"
AIM = {"loopback": 3, f"{LATENCY} ms": 60}
_INSIDE = "AUTOSSL_BENCH_INSIDE"

Way = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Figure:
    """Look-ups a second, of each run."""

    where: str
    zones: str
    way: str
    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rates)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/run bench preflight")
    parser.add_argument("--names", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    if _INSIDE not in os.environ:
        host = PrivateHost(environment={_INSIDE: "1"}, directory=Path(__file__).resolve().parents[2])
        return host.attach([sys.executable, "-m", "tests.bench.preflight", *sys.argv[1:]])
    layouts = {
        "one zone": {f"n{number}.one.test": "one.test" for number in range(chosen.names)},
        f"zones of {NAMES_OF_ZONE}": {
            f"n{number}.z{number // NAMES_OF_ZONE}.test": f"z{number // NAMES_OF_ZONE}.test"
            for number in range(chosen.names)
        },
    }
    start_bind([zone for layout in layouts.values() for zone in _zones(layout)])
    line = [sys.executable, "-m", "tests.bench.slow_line", str(SLOW_PORT), str(PORT), str(LATENCY)]
    start("slow_line", line, [SLOW_PORT])
    names = {zones: list(layout) for zones, layout in layouts.items()}
    click.echo(f"A, AAAA and CAA of {chosen.names} names, {chosen.runs} runs. Look-ups a second.\n")
    figures = _measured(names, "loopback", Server(ADDRESS, PORT), chosen.runs, 1000)
    figures += _measured(names, f"{LATENCY} ms", Server(ADDRESS, SLOW_PORT), chosen.runs, 40)
    return _told(figures)


def _zones(layout: Mapping[str, str]) -> Iterator[Zone]:
    records: dict[str, list[tuple[str, str, str]]] = {}
    for name, zone in layout.items():
        label = name.removesuffix(f".{zone}")
        records.setdefault(zone, []).extend([(label, "A", "192.0.2.1"), (label, "AAAA", "2001:db8::1")])
    for zone, content in records.items():
        yield Zone(zone, content)


def _measured(
    names: Mapping[str, Sequence[str]], where: str, server: Server, runs: int, plain_names: int
) -> list[Figure]:
    """The ways take turns, so that whatever else happens on the machine hits them alike. The plain loop gets fewer
    names, for its speed doesn't depend on how many they are."""
    ways: dict[str, tuple[Way, int | None]] = {
        PLAIN: (lambda some: _plainly(some, server), plain_names),
        "Lookup, by the resolver": (lambda some: asyncio.run(_together(some, server, False)), None),
        "Lookup, at the zones' servers": (lambda some: asyncio.run(_together(some, server, True)), None),
    }
    rates: dict[tuple[str, str], list[float]] = {(zones, way): [] for zones in names for way in ways}
    for _ in range(runs):
        for zones, way in rates:
            look_up, most = ways[way]
            some = names[zones][:most]
            began = time.perf_counter()
            right = look_up(some)
            rates[zones, way].append(len(some) * len(KINDS) / (time.perf_counter() - began))
            if right != len(some) * len(KINDS):
                raise SystemExit(f"{way}, {zones}, {where}: {right} of {len(some) * len(KINDS)} look-ups were right")
    return [Figure(where, zones, way, tuple(found)) for (zones, way), found in rates.items()]


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


def _told(figures: Sequence[Figure]) -> int:
    click.echo(f"{'':56}{'median':>8}{'least':>8}{'most':>8}{'ratio':>8}{'aim':>6}")
    for figure in figures:
        (plain,) = [one for one in figures if (one.where, one.zones, one.way) == (figure.where, figure.zones, PLAIN)]
        title = f"{figure.where}, {figure.zones}: {figure.way}"
        rates = f"{figure.median:8.0f}{min(figure.rates):8.0f}{max(figure.rates):8.0f}"
        aim = "" if figure is plain else f"{AIM[figure.where]:5}x"
        click.echo(f"{title:56}{rates}{figure.median / plain.median:7.1f}x{aim}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
