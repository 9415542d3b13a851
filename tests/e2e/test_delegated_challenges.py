"""A CNAME of `_acme-challenge` leads where its owner wants, and takes nobody's names down."""

from __future__ import annotations

import asyncio

import dns.resolver
import pytest

from jobs.demo.daemons.bind import ADDRESS, PORT, TSIG_NAME, Bind, Zone, start_bind
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.policy.zone_rights import NO_RIGHTS, ZoneRights
from jobs.preflight.by_dns import ByDns, validate_by_dns
from jobs.preflight.resolver import Lookup, servers
from jobs.wiring.instance import open_instance
from jobs.wiring.parts import zones
from tests.fakes import rights_to

pytestmark = pytest.mark.e2e(timeout=120)

SHOP = "www.shop.victim.test"
"""A website of a customer that exists only through `*.victim.test`."""


def alias(label: str, target: str) -> tuple[str, str, str]:
    return f"_acme-challenge.{label}", "CNAME", f"{target}."


@pytest.fixture(scope="module")
def server() -> Bind:
    wild = [("@", "A", PUBLIC_ADDRESS), ("*", "A", PUBLIC_ADDRESS)]
    return start_bind([
        Zone("victim.test", wild, dynamic=True),
        Zone("host.test", wild, dynamic=True),
        Zone("outside.test", [
            alias("at", SHOP),
            alias("below", f"_acme-challenge.{SHOP}"),
            alias("deep", f"a.b.c.{SHOP}"),
            alias("real", "real.outside.test.challenges.host.test"),
            alias("apex", "victim.test"),
            alias("key", "mail._domainkey.victim.test"),
            alias("circle", "_acme-challenge.circle.outside.test"),
        ]),
    ])


@pytest.fixture(scope="module")
def product(server: Bind) -> Product:
    made = Product()
    made.make()
    made.run("plugin", "set", "rfc2136", f"server={ADDRESS}", "zones=victim.test,host.test", f"key_name={TSIG_NAME}",
             "--secret-file", "key_secret=-", stdin=f"{server.keys[TSIG_NAME]}\n")
    made.run("option", "set", "challenge_zone", "challenges.host.test")
    return made


def tried(product: Product, name: str, rights: ZoneRights = NO_RIGHTS) -> ByDns | None:
    instance = open_instance(INSTANCE)
    try:
        known = zones(instance)
        known.rights = rights
        return asyncio.run(_try(known, name))
    finally:
        instance.close()


async def _try(known, name: str) -> ByDns | None:  # type: ignore[no-untyped-def]
    lookup = Lookup(servers([ADDRESS]), authoritative=False, timeout=5)
    return (await validate_by_dns(lookup, known, [name], act=True)).get(name)


def addresses(name: str) -> set[str]:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [ADDRESS], PORT
    return {str(one) for one in resolver.resolve(name, "A")}


@pytest.mark.parametrize("label", ["at", "below", "deep", "apex", "key"])
def test_a_delegation_to_names_of_another_customer_is_refused_and_nothing_is_written(
    product: Product, label: str
) -> None:
    found = tried(product, f"{label}.outside.test")
    assert found and found.trouble and found.trouble.code == "dns01_zone_not_yours"
    assert "victim.test" in found.trouble.text
    assert f"expected {label}.outside.test.challenges.host.test" in found.trouble.text
    for name in (SHOP, "shop.victim.test"):
        assert addresses(name) == {PUBLIC_ADDRESS}
    assert product.run("dns", "records", "--json").json() == {"records": []}


def test_who_has_the_zone_takes_no_name_down_by_a_delegation_below_its_wildcard(product: Product) -> None:
    found = tried(product, "below.outside.test", rights_to("victim.test"))
    assert found and found.trouble and found.trouble.code == "dns01_wildcard_only"
    assert addresses(SHOP) == {PUBLIC_ADDRESS}
    assert product.run("dns", "records", "--json").json() == {"records": []}


def test_the_zone_for_challenges_may_lie_below_a_wildcard(product: Product) -> None:
    found = tried(product, "real.outside.test")
    assert found and found.trouble is None, found
    assert product.run("dns", "records", "--json").json() == {"records": []}


def test_a_delegation_in_a_circle_is_told(product: Product) -> None:
    found = tried(product, "circle.outside.test")
    assert found and found.trouble and found.trouble.code.startswith("dns01_")
