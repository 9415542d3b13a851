"""A value counts as seen when every name server that answers for the zone shows it, at each of its addresses."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from jobs.courses import finish
from jobs.demo.daemons import bind
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.ports import Record
from jobs.preflight.by_dns import validate_by_dns
from jobs.preflight.resolver import Lookup
from jobs.preflight.wire import Reply, Server
from jobs.zones import Zones, dns_solver
from jobs.zones.authoritative import Agreement, seen_everywhere
from tests.fakes import rights_to
from tests.free_ports import free_port
from tests.jobs.preflight.name_servers import serves, serving
from tests.jobs.zones.zone_bench import NS2, SILENT, Watching, backend, installation, listed, solver, texts

pytestmark = pytest.mark.e2e(timeout=40)

SECONDARY = ("two.test", "hung.test", "six.test", "many.test")
ZONES = [
    bind.Zone("one.test", dynamic=True),
    bind.Zone("two.test", [NS2], True),
    bind.Zone("hung.test", [NS2], True),
    bind.Zone("six.test", [("@", "NS", "ns6"), ("ns6", "AAAA", bind.SECOND_IPV6)], True),
    bind.Zone("many.test", [("@", "NS", "ns"), ("ns", "A", bind.ADDRESS), ("ns", "A", bind.SECOND_ADDRESS)], True),
    bind.Zone("lame.test", [NS2], True),
    bind.Zone("silent.test", [("@", "NS", "ns3"), ("ns3", "A", SILENT)], True),
    bind.Zone("nosix.test", [("@", "NS", "ns6"), ("ns6", "AAAA", "2600::9")], True),
]


@pytest.fixture(scope="module")
def dns() -> bind.Bind:
    return bind.start_bind(ZONES)


@pytest.fixture(scope="module", autouse=True)
def second(dns: bind.Bind) -> bind.SecondServer:
    return dns.second_server(SECONDARY)


@pytest.fixture(scope="module")
def zones(dns: bind.Bind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    with installation(tmp_path_factory.mktemp("host") / "instance"):
        names = [zone.name for zone in ZONES]
        yield Zones([backend(dns, *names)], rights=rights_to(*names))


def put(zones: Zones, zone: str, value: str) -> Record:
    record = Record(f"_acme-challenge.{zone}", "TXT", value, 60)
    serving = zones.serving(record.name)
    assert serving is not None
    serving.backend.add(record)
    return record


def ask(record: Record, limit: float, present: bool = True, known: tuple[Server, ...] = ()) -> Agreement:
    return asyncio.run(seen_everywhere(Watching(), record, present, limit, known))


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def test_what_all_servers_show_is_seen_at_once(zones: Zones) -> None:
    assert ask(put(zones, "one.test", "a"), 10) == Agreement()
    assert codes(ask(Record("_acme-challenge.one.test", "TXT", "b"), 0.3).against) == ["dns01_not_everywhere"]


def test_a_server_that_has_the_old_zone_is_waited_for(zones: Zones, second: bind.SecondServer) -> None:
    record = put(zones, "two.test", "waited")

    async def look() -> Agreement:
        lookup = Watching()
        waiting = asyncio.create_task(seen_everywhere(lookup, record, True, 30))
        while bind.SECOND_ADDRESS not in [address for address, _ in lookup.replies]:
            await asyncio.sleep(0.01)
        assert not waiting.done()
        await asyncio.to_thread(second.catch_up, "two.test")
        return await waiting

    assert asyncio.run(look()) == Agreement()
    assert "waited" in texts(record.name, bind.SECOND_ADDRESS)


def test_it_is_named_when_it_stays_behind_and_so_is_one_that_shows_what_is_gone(
    zones: Zones, second: bind.SecondServer
) -> None:
    record = put(zones, "two.test", "behind")
    (finding,) = ask(record, 0.5).against
    assert finding.code == "dns01_not_everywhere"
    assert finding.text.startswith(f"two.test: its name server {bind.SECOND_ADDRESS} does not show the TXT value")
    second.catch_up("two.test")
    zones.serving(record.name).backend.remove(record)  # type: ignore[union-attr]
    (finding,) = ask(record, 0.5, present=False).against
    assert f"{bind.SECOND_ADDRESS} still shows the TXT value" in finding.text


@pytest.mark.parametrize(("zone", "behind"), [("six.test", "[::1]"), ("many.test", bind.SECOND_ADDRESS)])
def test_every_address_of_a_server_counts_in_both_families(zones: Zones, zone: str, behind: str) -> None:
    (finding,) = ask(put(zones, zone, "x"), 0.5).against
    assert (finding.code, f"server {behind} " in finding.text) == ("dns01_not_everywhere", True)


@pytest.mark.parametrize(
    ("zone", "server", "why"),
    [("lame.test", bind.SECOND_ADDRESS, "answered REFUSED"), ("silent.test", SILENT, "didn't answer")],
)
def test_a_server_that_is_lame_or_silent_is_left_aside_and_named(
    zones: Zones, zone: str, server: str, why: str
) -> None:
    record = put(zones, zone, "y")
    seen = ask(record, 30)
    assert (seen.against, seen.aside) == ((), frozenset({Server(server)}))
    (remark,) = seen.remarks
    assert remark.code == "dns01_server_aside" and f"{zone}: its name server {server} {why}" in remark.text


def test_who_was_left_aside_is_not_waited_for_again_nor_told_again(zones: Zones) -> None:
    record = put(zones, "silent.test", "z")

    async def look() -> tuple[Agreement, list[str]]:
        lookup = Watching()
        return await seen_everywhere(lookup, record, True, 30, [Server(SILENT)]), lookup.asked

    seen, asked = asyncio.run(look())
    assert (seen.against, seen.remarks, asked.count(SILENT)) == ((), (), 1)


def test_who_was_left_aside_and_answers_again_counts_again(zones: Zones) -> None:
    """The first server's answer comes after that of the second one, which is behind."""

    class SecondFirst(Watching):
        async def exchange(self, server: Server, name: str, kind: str) -> Reply:
            while server.address == bind.ADDRESS and not self.replies:
                await asyncio.sleep(0.01)
            return await super().exchange(server, name, kind)

    record, behind = put(zones, "two.test", "again"), Server(bind.SECOND_ADDRESS)
    seen = asyncio.run(seen_everywhere(SecondFirst(), record, True, 1, [behind]))
    assert codes(seen.against) == ["dns01_not_everywhere"] and str(behind) in seen.against[0].text


def test_without_a_way_to_ipv6_from_here_nothing_is_told_of_the_zone(zones: Zones) -> None:
    seen = ask(put(zones, "nosix.test", "x"), 30)
    assert (seen.against, seen.remarks, seen.aside) == ((), (), frozenset({Server("2600::9")}))


def test_where_no_server_answers_nothing_counts_as_seen() -> None:
    """A resolver knows the zone, and its only server is dead."""

    async def look() -> Agreement:
        content = {("dead.test", "NS"): "ns.dead.test.", ("ns.dead.test", "A"): SILENT}
        async with serving(serves("dead.test", content)) as resolver:
            lookup = Lookup([resolver.server], authoritative=False, timeout=0.4, port=free_port(SILENT))
            return await seen_everywhere(lookup, Record("_acme-challenge.dead.test", "TXT", "x"), True, 1)

    seen = asyncio.run(look())
    assert codes(seen.against) == ["dns01_server_silent"] and SILENT in seen.against[0].text


def test_an_order_fails_for_that_name_with_the_server_that_lags_behind(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_solver, "LONGEST_WAIT", 0.0)
    monkeypatch.setattr(dns_solver, "_LEAST", 0.5)
    tried = solver(zones, [])
    tried.present("two.test", "token", "token.thumb")
    with pytest.raises(Failure) as caught:
        finish(tried.settle("two.test", "token"))
    tried.clean("two.test", "token")
    assert caught.value.code == "dns01_not_everywhere" and set(caught.value.names) == {"two.test"}
    assert bind.SECOND_ADDRESS in caught.value.names["two.test"] and bind.ADDRESS not in caught.value.detail
    assert listed() == []


def test_the_preflight_fails_the_name_for_it_and_takes_the_value_away(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.preflight.by_dns.LONGEST_WAIT", 0.5)
    before = texts("_acme-challenge.two.test")
    found = asyncio.run(validate_by_dns(Watching(), zones, ["two.test"], act=True))["two.test"]
    assert found.trouble and found.trouble.code == "dns01_not_everywhere"
    assert bind.SECOND_ADDRESS in found.trouble.text and found.trouble.text in found.report[0]
    assert (texts("_acme-challenge.two.test"), listed()) == (before, [])


def test_a_server_that_hangs_does_not_hold_up_an_order_and_is_told_once(
    zones: Zones, second: bind.SecondServer
) -> None:
    told: list[Finding] = []
    tried = solver(zones, told)
    os.kill(second.process.pid, signal.SIGSTOP)
    try:
        for name, token in (("hung.test", "one"), ("*.hung.test", "two")):
            tried.present(name, token, f"{token}.thumb")
        for name, token in (("hung.test", "one"), ("*.hung.test", "two")):
            finish(tried.settle(name, token))
            tried.clean(name, token)
    finally:
        os.kill(second.process.pid, signal.SIGCONT)
    assert [finding.code for finding in told] == ["dns01_server_aside"]
    assert bind.SECOND_ADDRESS in told[0].text and listed() == []


def test_the_preflight_passes_the_name_and_remarks_the_server(zones: Zones) -> None:
    found = asyncio.run(validate_by_dns(Watching(), zones, ["silent.test"], act=True))["silent.test"]
    assert found.trouble is None and [remark.code for remark in found.remarks] == ["dns01_server_aside"]
    assert any(SILENT in line for line in found.report)
