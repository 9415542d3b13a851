"""Wildcards on a whole server: siblings that become one, one that a website lists itself, one that nobody may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.demo import served
from jobs.demo.accounts import ELSEWHERE, plain_website
from jobs.demo.daemons import apache, bind, dovecot, exim, pebble
from jobs.demo.daemons.starting import run
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import Product
from jobs.demo.served import Place

pytestmark = pytest.mark.e2e(timeout=240)

SITES = {
    "sibs": ("sibs.test", "www.sibs.test", "shop.sibs.test", "lost.sibs.test", "x.shop.sibs.test"),
    "own": ("own.test", "*.own.test"),
    "near": ("near.test", "www.near.test", "shop.near.test", "blog.near.test"),
    "guest": ("guest.near.test", "lost.near.test"),
}
LATER = "y.shop.sibs.test"
ZONES = ("sibs.test", "own.test", "near.test")
PORTS = (443, 143, 993, 25, 465)


def zone(name: str) -> bind.Zone:
    """`lost` is at another server, so that only DNS can validate it."""
    everything = [LATER, *(one for names in SITES.values() for one in names)]
    inside = [one.removesuffix(name).rstrip(".") or "@" for one in everything
              if one == name or one.endswith(f".{name}")]
    labels = [label for label in inside if label != "lost"]
    records = [(label, "A", PUBLIC_ADDRESS) for label in dict.fromkeys(labels)]
    return bind.Zone(name, [*records, *([("lost", "A", ELSEWHERE)] if "lost" in inside else [])], dynamic=True)


class Server:
    def __init__(self) -> None:
        self.dns = bind.start_bind([zone(name) for name in ZONES])
        self.ca = pebble.start_pebble()
        for user, names in SITES.items():
            plain_website(user, *names)
        apache.start_apache()
        dovecot.start_dovecot()
        exim.start_exim(ZONES)
        self.product = Product()
        self.product.make()
        self.product.run("setup")
        where = ("--directory", self.ca.directory, "--ca-bundle", str(self.ca.bundle))
        self.product.run("provider", "add", "pebble", *where, "--wildcard")
        self.product.run("provider", "use", "pebble", "--accept-terms", "--contact", "admin@bench.test")
        self.product.run("features", "set", "default", "--wildcard")
        values = (f"server={bind.ADDRESS}", f"zones={','.join(ZONES)}", f"key_name={bind.TSIG_NAME}")
        secret = self.dns.keys[bind.TSIG_NAME]
        self.product.run("plugin", "set", "rfc2136", *values, "--secret-file", "key_secret=-", stdin=f"{secret}\n")

    def check(self, *more: str) -> dict[str, dict[str, Any]]:
        report = self.product.run("check", "--all", "--json", *more, expected=(0, 1)).json()
        return {site["website"]: site for site in report["websites"]}

    def trouble(self, names: tuple[str, ...], ports: tuple[int, ...] = PORTS) -> dict[tuple[str, int], str]:
        found = served.ask([Place("", name, port, "") for name in names for port in ports], self.ca.root())
        return {(row.place.name, row.place.port): row.trouble for row in found if row.trouble}


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


@pytest.fixture(scope="module")
def first(server: Server) -> dict[str, dict[str, Any]]:
    planned = server.check("--plan")
    assert planned["sibs.test"]["names"] == ["sibs.test", "*.sibs.test", "x.shop.sibs.test"]
    assert server.ca.issued() == 0
    return server.check()


def test_siblings_become_their_base_and_a_wildcard_and_deeper_names_stay(
    server: Server, first: dict[str, dict[str, Any]]
) -> None:
    site = first["sibs.test"]
    assert (site["outcome"], site["names"]) == ("installed", ["sibs.test", "*.sibs.test", "x.shop.sibs.test"])
    assert any(text.startswith("*.sibs.test stands for ") and "lost.sibs.test" in text for text in site["remarks"])
    assert [one for one in site["left_off"] if one["name"] in SITES["sibs"]] == []
    reached = tuple(name for name in SITES["sibs"] if not name.startswith("lost."))
    assert server.trouble(reached) == {}


def test_a_wildcard_that_a_website_lists_is_ordered_by_dns(server: Server, first: dict[str, dict[str, Any]]) -> None:
    assert first["own.test"]["outcome"] == "installed"
    assert first["own.test"]["names"] == ["own.test", "*.own.test"]
    assert server.trouble(("own.test",)) == {}


def test_no_wildcard_covers_a_name_of_another_account(server: Server, first: dict[str, dict[str, Any]]) -> None:
    assert first["near.test"]["outcome"] == "installed"
    assert sorted(first["near.test"]["names"]) == sorted(SITES["near"])
    assert first["guest.near.test"]["names"] == ["guest.near.test"]
    assert server.trouble((*SITES["near"], "guest.near.test")) == {}


def test_the_zone_of_another_account_does_not_validate_a_name_by_dns(first: dict[str, dict[str, Any]]) -> None:
    """`lost.near.test` is at another server, and whoever lists it has not shown that the domain is his."""
    assert [one["name"] for one in first["guest.near.test"]["left_off"]] == ["lost.near.test"]


def test_nothing_of_the_validation_is_left_in_the_zones(server: Server, first: dict[str, dict[str, Any]]) -> None:
    for name in ZONES:
        assert run("dig", "+short", "@127.0.0.1", "TXT", f"_acme-challenge.{name}").strip() == ""


def test_another_check_orders_nothing(server: Server, first: dict[str, dict[str, Any]]) -> None:
    before = server.ca.issued()
    assert {site["outcome"] for site in server.check().values()} == {"kept"}
    assert server.ca.issued() == before


def test_with_an_excluded_sibling_the_next_certificate_has_the_others_one_by_one(
    server: Server, first: dict[str, dict[str, Any]]
) -> None:
    """Those that HTTP can't validate by DNS each."""
    server.product.run("exclude", "add", "sibs", "shop.sibs.test")
    assert server.check()["sibs.test"]["outcome"] == "kept", "what is there stays until there is a reason to order"
    apache.add_vhosts("sibs.test", apache.plain_vhost(Path("/home/sibs/public_html"), *SITES["sibs"], LATER))
    apache.reload_apache()
    names = set(server.check()["sibs.test"]["names"])
    assert {"sibs.test", "www.sibs.test", "lost.sibs.test", "x.shop.sibs.test", LATER} <= names
    assert not names & {"*.sibs.test", "shop.sibs.test"}
    assert server.trouble(("sibs.test", LATER)) == {}
    assert "mismatch" in server.trouble(("shop.sibs.test",), (443,))["shop.sibs.test", 443]
