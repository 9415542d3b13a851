"""Where a value for a challenge goes: into no circle, not out of this host, and nowhere where it takes names down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from jobs.courses import finish
from jobs.demo.daemons import bind
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.dns_backends import bind_zonefile
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.verdict import Outcome
from jobs.ports import Record
from jobs.preflight import Setting, preflight
from jobs.preflight.addresses import Addresses
from jobs.preflight.by_dns import ByDns, validate_by_dns
from jobs.preflight.resolver import Lookup
from jobs.preflight.seen import Seen, concluded
from jobs.zones import Zones
from jobs.zones.place import challenge_place
from tests.fakes import rights_to
from tests.jobs.preflight.name_servers import fails, serves, serving
from tests.jobs.zones.zone_bench import (
    Silent,
    Watching,
    addresses,
    backend,
    change,
    installation,
    listed,
    solver,
    texts,
    unchanged,
)

pytestmark = pytest.mark.e2e(timeout=90)

HERE, THERE = ("@", "A", PUBLIC_ADDRESS), ("@", "A", "192.0.2.7")
"""At this host, where nobody answers by HTTP, and at another one."""

OURS = [
    bind.Zone("host.test", [HERE, ("www", "A", PUBLIC_ADDRESS)], True),
    bind.Zone("circle.test", [
        HERE, ("_acme-challenge", "CNAME", "round"), ("round", "CNAME", "_acme-challenge"),
    ], True),
    bind.Zone("wild.test", [
        HERE, ("*", "A", PUBLIC_ADDRESS), ("own", "A", "192.0.2.9"), ("mail.own", "A", "192.0.2.9"),
    ], True),
    bind.Zone("mailwild.test", [HERE, ("*", "MX", "10 mx.mailwild.test."), ("mx", "A", PUBLIC_ADDRESS)], True),
    bind.Zone("cdn.test", [HERE, ("*", "CNAME", "edge.outside.test."), ("own", "A", PUBLIC_ADDRESS)], True),
]
BY_FILE = bind.Zone("file.test", [HERE, ("*", "CNAME", "edge.outside.test.")])
OUTSIDE = bind.Zone("outside.test", [
    THERE,
    ("edge", "A", "192.0.2.1"), ("edge", "A", "192.0.2.2"), ("edge", "A", "192.0.2.3"),
    ("_acme-challenge.here", "CNAME", "here.outside.test.host.test."),
    ("_acme-challenge.away", "CNAME", "away.nobody.test."),
    ("_acme-challenge.loop", "CNAME", "_acme-challenge.loop2"),
    ("_acme-challenge.loop2", "CNAME", "_acme-challenge.loop"),
    ("_acme-challenge.odd", "CNAME", r"a\032b.host.test."),
])
NAMES = [zone.name for zone in OURS]


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    dns = bind.start_bind([*OURS, BY_FILE, OUTSIDE])
    with installation(tmp_path_factory.mktemp("host") / "instance") as place:
        files = bind_zonefile.Backend(bind_zonefile.Options(enabled=True, zones=(BY_FILE.name,)), place)
        yield Zones([backend(dns, *NAMES), files], "host.test", rights_to(*NAMES, BY_FILE.name))


def tried(zones: Zones, name: str) -> ByDns | None:
    return asyncio.run(validate_by_dns(Watching(), zones, [name], act=True)).get(name)


def refused(zones: Zones, name: str) -> Finding:
    """The trouble, of which the preflight and an order say the same, and for which neither writes anything."""
    before = unchanged(NAMES)
    found = tried(zones, name)
    assert found and found.trouble
    with pytest.raises(Failure) as caught:
        solver(zones, []).present(name, "token", "token.thumb")
    assert (caught.value.code, set(caught.value.names)) == (found.trouble.code, {name})
    assert (unchanged(NAMES), listed()) == (before, [])
    return found.trouble


@pytest.mark.parametrize("name", ["loop.outside.test", "circle.test", "*.circle.test"])
def test_a_cname_that_runs_in_a_circle_is_told_with_all_its_names(zones: Zones, name: str) -> None:
    found = refused(zones, name)
    assert found.code == "dns01_cname_loop"
    own = f"_acme-challenge.{name.removeprefix('*.')}"
    assert f"{own} -> " in found.text and found.text.endswith(f"{own} never end")


def test_a_cname_to_what_is_no_name_is_not_followed(zones: Zones) -> None:
    found = refused(zones, "odd.outside.test")
    assert found.code == "dns01_cname_loop" and found.text.isprintable()


@pytest.mark.parametrize("name", ["here.outside.test", "*.here.outside.test"])
def test_a_name_elsewhere_is_validated_through_its_cname_into_a_zone_of_ours(zones: Zones, name: str) -> None:
    found = tried(zones, name)
    assert found and found.trouble is None and "here.outside.test.host.test in host.test" in found.report[0]
    order = solver(zones, [])
    order.present(name, "token", "token.thumb")
    assert len(texts("here.outside.test.host.test")) == 1
    finish(order.settle(name, "token"))
    order.clean(name, "token")
    assert (texts("here.outside.test.host.test"), listed()) == (set(), [])


def test_a_cname_into_a_zone_that_nobody_here_serves_has_a_word_of_its_own(zones: Zones) -> None:
    found = refused(zones, "away.outside.test")
    assert found.code == "dns01_delegated_elsewhere"
    assert "_acme-challenge.away.outside.test is a CNAME to away.nobody.test" in found.text


def test_beside_it_what_http_has_found_comes_first_but_a_wildcard_has_nothing_else() -> None:
    by_dns = ByDns(Finding("dns01_delegated_elsewhere", "it leads away"))
    by_http = Outcome("192.0.2.1", Finding("http_refused", "nobody listens"), connected=False)
    verdict = concluded(Seen("a.test", Addresses(ipv4=("192.0.2.1",)), (by_http,)), by_dns, None, False)
    assert (verdict.code, verdict.text) == ("http_refused", "nobody listens")
    assert by_dns.trouble in verdict.warnings
    assert concluded(Seen("*.a.test", Addresses()), by_dns, None, False).code == "dns01_delegated_elsewhere"


def test_a_name_whose_dns_is_elsewhere_is_not_tried_at_all(zones: Zones) -> None:
    assert tried(zones, "outside.test") is None
    with pytest.raises(Failure) as caught:
        solver(zones, []).present("outside.test", "token", "token.thumb")
    assert caught.value.code == "dns01_not_served" and caught.value.permanent


@pytest.mark.parametrize(
    ("name", "kind"),
    [("shop.wild.test", "A"), ("a.shop.wild.test", "A"), ("shop.mailwild.test", "MX"), ("shop.cdn.test", "A")],
)
@pytest.mark.parametrize("star", ["", "*."])
def test_what_exists_only_through_a_wildcard_is_given_no_value_below_it(
    zones: Zones, name: str, kind: str, star: str
) -> None:
    """Behind the CNAME `*` addresses come in another order each time. A wildcard's base is taken down just so."""
    found = refused(zones, f"{star}{name}")
    assert found.code == "dns01_wildcard_only" and name in found.text


def test_such_a_value_would_indeed_take_it_down(zones: Zones) -> None:
    assert addresses("shop.wild.test") == {PUBLIC_ADDRESS}
    change("wild.test", "update add _acme-challenge.shop.wild.test. 60 TXT x")
    assert addresses("shop.wild.test") == set()
    change("wild.test", "update delete _acme-challenge.shop.wild.test. TXT")
    assert addresses("shop.wild.test") == {PUBLIC_ADDRESS}


@pytest.mark.parametrize("name", ["own.wild.test", "*.own.wild.test", "wild.test", "*.wild.test", "mail.own.wild.test"])
def test_what_stands_in_the_zone_by_itself_is_tried(zones: Zones, name: str) -> None:
    found = tried(zones, name)
    assert found and found.trouble is None, found
    assert addresses("shop.wild.test") == {PUBLIC_ADDRESS}


@pytest.mark.parametrize("name", ["cdn.test", "*.cdn.test", "own.cdn.test", "file.test", "*.file.test"])
def test_a_wildcard_cname_is_no_delegation(zones: Zones, name: str) -> None:
    """`_acme-challenge.cdn.test` leads away only until something stands there."""
    found = tried(zones, name)
    assert found and found.trouble is None, found
    assert listed() == []


def test_where_dns_does_not_tell_nothing_is_written(zones: Zones) -> None:
    """The zone is served by us, and whoever is asked about its names fails."""

    async def place() -> Finding | None:
        told = serves("host.test", {})
        async with serving(lambda query, fake: (fails if _asks_address(query) else told)(query, fake)) as server:
            lookup = Lookup([server.server], authoritative=False, timeout=1)
            return (await challenge_place(lookup, zones, "new.host.test")).trouble

    found = asyncio.run(place())
    assert found and found.code == "dns01_lookup_failed" and "new.host.test" in found.text


def _asks_address(query: object) -> bool:
    return query.question[0].rdtype == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(("methods", "passes"), [(("http-01",), False), (("http-01", "dns-01"), True)])
def test_a_provider_that_may_not_use_dns_never_causes_a_value_in_a_zone(
    zones: Zones, methods: tuple[str, ...], passes: bool
) -> None:
    before = unchanged(NAMES)
    setting = Setting(
        (bind.ADDRESS,), http_port=9, timeout=2, zones=zones, act=True, dcv_methods=methods, own=frozenset()
    )
    found = preflight(["host.test", "*.host.test"], setting, Silent())
    assert {name: verdict.passed for name, verdict in found.items()} == {"host.test": passes, "*.host.test": passes}
    assert (unchanged(NAMES) == before) is not passes
    if not passes:
        assert found["*.host.test"].code == "wildcard_needs_dns" and found["host.test"].code.startswith("http_")


def test_a_preview_writes_nothing(zones: Zones) -> None:
    before = unchanged(NAMES)
    found = asyncio.run(validate_by_dns(Watching(), zones, ["host.test"], act=False))["host.test"]
    assert found.trouble is None and "not tried now" in found.report[0]
    assert unchanged(NAMES) == before


def test_a_foreign_value_at_the_place_is_kept_beside_ours(zones: Zones) -> None:
    change("host.test", "update add _acme-challenge.host.test. 300 TXT theirs")
    order = solver(zones, [])
    for name, token in (("host.test", "plain"), ("*.host.test", "star")):
        order.present(name, token, f"{token}.thumb")
        order.present(name, token, f"{token}.thumb")
    values = texts("_acme-challenge.host.test")
    assert len(values) == 3 and "theirs" in values
    assert {record.value for record in listed()} == values - {"theirs"}
    for name, token in (("host.test", "plain"), ("*.host.test", "star")):
        finish(order.settle(name, token))
    order.clean("host.test", "plain")
    assert len(texts("_acme-challenge.host.test")) == 2
    order.clean("*.host.test", "star")
    assert (texts("_acme-challenge.host.test"), listed()) == ({"theirs"}, [])
    assert Record("_acme-challenge.host.test", "TXT", "theirs") not in listed()
