"""A customer names in his website, and in the DNS that is his, whatever he likes: no zone of another one is changed for
it, and he gets no certificate for it."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.demo.accounts import ELSEWHERE, plain_website
from jobs.demo.daemons import apache, bind, caa_front, pebble
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import Product
from tests.jobs.dns_backends.bind_bench import transferred
from tests.jobs.zones.zone_bench import use_backend

pytestmark = pytest.mark.e2e(timeout=150)

HERE, THERE = PUBLIC_ADDRESS, ELSEWHERE
FOREIGN = ("@", "CAA", '0 issue "other.example"')
VICTIMS = {
    "corp.test": [("@", "A", THERE), ("vpn", "A", THERE), ("shop", "A", HERE)],
    "hoster.test": [("@", "A", THERE)],
    "victim.test": [("@", "A", HERE), FOREIGN, ("mail._domainkey", "TXT", '"v=DKIM1; p=abc"')],
    "bare.test": [("@", "A", HERE), ("x", "A", HERE)],
    "given.test": [("@", "A", THERE)],
}
EVIL = [
    ("@", "A", HERE), ("cdn", "CNAME", "victim.test."), ("p", "A", THERE),
    ("_acme-challenge.p", "CNAME", "mail._domainkey.victim.test."),
]
MALLORY = (
    "evil.test", "cdn.evil.test", "p.evil.test", "corp.test", "vpn.corp.test", "hoster.test", "*.hoster.test",
    "x.bare.test",
)


class Server:
    def __init__(self) -> None:
        zones = [bind.Zone(name, rows, dynamic=True) for name, rows in VICTIMS.items()]
        dns = bind.start_bind([*zones, bind.Zone("evil.test", EVIL)])
        self.before = {name: transferred(name) for name in VICTIMS}
        self.ca = caa_front.start_caa_front(pebble.start_pebble())
        plain_website("mallory", *MALLORY)
        plain_website("corp", "shop.corp.test")
        plain_website("victim", "victim.test")
        plain_website("bare", "bare.test")
        plain_website("given", "given.test", "*.given.test")
        apache.start_apache()
        self.product = Product()
        self.product.make()
        self.product.run("setup")
        where = ("--directory", self.ca.directory, "--ca-bundle", str(self.ca.bundle), "--wildcard")
        self.product.run("provider", "add", "front", *where)
        self.product.run("provider", "use", "front", "--accept-terms", "--contact", "admin@bench.test")
        self.product.run("features", "set", "default", "--wildcard")
        self.product.run("discover")
        use_backend(self.product, dns, *VICTIMS)

    def check(self, user: str) -> dict[str, Any]:
        report = self.product.run("check", "--user", user, "--json", expected=(0, 1)).json()
        (found,) = report["websites"]
        return dict(found)

    def unchanged(self) -> bool:
        listed = self.product.run("dns", "records", "--json").json()["records"]
        return listed == [] and {name: transferred(name) for name in VICTIMS} == self.before


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


@pytest.fixture(scope="module", params=["when needed", "always"])
def mallorys(server: Server, request: pytest.FixtureRequest) -> dict[str, Any]:
    server.product.run("option", "set", "caa", request.param)
    return server.check("mallory")


def test_he_is_certified_for_what_leads_here_and_for_nothing_that_only_dns_would_prove(
    mallorys: dict[str, Any]
) -> None:
    assert set(mallorys["names"]) <= {"evil.test", "x.bare.test", "cdn.evil.test", "www.evil.test", "mail.evil.test"}
    left = {one["name"]: one["code"] for one in mallorys["left_off"]}
    assert left["*.hoster.test"] == "dns01_zone_not_yours"
    assert {"corp.test", "vpn.corp.test", "hoster.test", "p.evil.test"} <= set(left)


def test_no_zone_of_another_one_is_changed(server: Server, mallorys: dict[str, Any]) -> None:
    assert server.unchanged()


def test_a_domain_whose_website_is_elsewhere_is_whose_an_administrator_says(server: Server) -> None:
    assert server.check("given")["names"] == []
    server.product.run("dns", "assign", "given.test", "given")
    assert set(server.check("given")["names"]) >= {"given.test", "*.given.test"}
    server.product.run("dns", "unassign", "given.test")
