"""Names that exist only through a wildcard record stay what they are, while names beside them are validated by DNS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobs.demo.accounts import ELSEWHERE, plain_website
from jobs.demo.daemons import apache, bind, pebble
from jobs.demo.daemons.starting import run
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import Product
from tests.jobs.zones.zone_bench import addresses, use_backend

pytestmark = pytest.mark.e2e(timeout=120)

ZONE, SHOP, DEEP, NEW, LOST = "wild.test", "shop.wild.test", "a.b.wild.test", "new.wild.test", "lost.wild.test"


@pytest.fixture(scope="module")
def product() -> Product:
    wild = [("@", "A", PUBLIC_ADDRESS), ("*", "A", PUBLIC_ADDRESS), ("lost", "A", ELSEWHERE)]
    dns = bind.start_bind([bind.Zone(ZONE, wild, dynamic=True)])
    plain_website("shop", SHOP, DEEP)
    plain_website("both", ZONE, LOST)
    apache.start_apache()
    made = Product()
    made.make()
    made.run("setup")
    made.use(pebble.start_pebble())
    use_backend(made, dns, ZONE)
    made.run("discover")
    return made


def checked(product: Product, user: str) -> dict[str, Any]:
    (site,) = product.run("check", "--user", user, "--json", expected=(0, 1)).json()["websites"]
    assert site["services"]["apache"]["state"] == "installed", site
    found: dict[str, Any] = site
    return found


@contextmanager
def looking(name: str) -> Iterator[list[set[str]]]:
    """All addresses that the name has had meanwhile."""
    seen: list[set[str]] = [addresses(name)]
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            found = addresses(name)
            if found != seen[-1]:
                seen.append(found)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_they_are_validated_by_http_and_the_zone_is_never_written_to(product: Product) -> None:
    before = bind.served(ZONE)
    assert set(checked(product, "shop")["names"]) >= {SHOP, DEEP}
    assert bind.served(ZONE) == before


def test_they_are_there_all_the_time_while_a_name_beside_them_is_validated_by_dns(product: Product) -> None:
    before = bind.served(ZONE)
    with looking(SHOP) as seen:
        site = checked(product, "both")
    assert set(site["names"]) >= {ZONE, LOST}
    assert any("validated by DNS (dns-01)" in remark and LOST in remark for remark in site["remarks"])
    assert bind.served(ZONE) != before
    assert seen == [{PUBLIC_ADDRESS}]


def test_one_that_http_does_not_reach_is_told_and_not_taken_down(product: Product) -> None:
    apache.add_vhosts(ZONE, apache.plain_vhost(Path("/home/both/public_html"), ZONE, LOST, NEW))
    apache.reload_apache()
    product.run("discover")
    product.run("dns", "assign", ZONE, "both")
    run("apache2ctl", "stop")
    with looking(NEW) as seen:
        (site,) = product.run("check", "--user", "both", "--json", expected=(0, 1)).json()["websites"]
    assert (NEW, "dns01_wildcard_only") in {(one["name"], one["code"]) for one in site["left_off"]}
    assert seen == [{PUBLIC_ADDRESS}]
