"""Three real CAs, of which some are down or refuse: what the current one does not issue comes from the next at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from jobs.demo import served
from jobs.demo.accounts import plain_website
from jobs.demo.daemons import apache, bind, caddy, pebble
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.demo.served import Place

pytestmark = pytest.mark.e2e(timeout=180)

SITES = ("good", "refused", "caa", "down", "twice", "none")
ONLY_TWO = ("@", "CAA", '0 issue "two.example"')


@dataclass
class Host:
    """The current provider is `one` (Pebble); `two` is Caddy's CA, `three` another Pebble."""

    product: Product
    one: pebble.Pebble
    two: caddy.CaddyCa
    three: pebble.Pebble

    def behind(self, *names: str) -> None:
        self.product.run("provider", "fallback", "set", *names)

    def check(self, site: str) -> dict[str, Any]:
        report = self.product.run("check", "--user", site, "--json", expected=(0, 1)).json()
        found: dict[str, Any] = report["websites"][0]
        web = found["services"].get("apache", {}).get("state")
        return found | {"web": web, "log": (INSTANCE / "logs" / report["run"] / "log.txt").read_text()}

    def issuer(self, site: str) -> str:
        """Of what Apache serves, verified against the root of the CA that it is said to come from."""
        of_two = served.ask([Place(site, f"{site}.test", 443, "website")], self.two.root())[0]
        if not of_two.trouble:
            return "two"
        (row,) = served.ask([Place(site, f"{site}.test", 443, "website")], self.one.root())
        return "one" if not row.trouble else row.trouble


def zone(site: str) -> bind.Zone:
    names = [(label, "A", PUBLIC_ADDRESS) for label in ("@", "www", "mail")]
    return bind.Zone(f"{site}.test", [*names, *([ONLY_TWO] if site == "caa" else [])])


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    bind.start_bind([zone(site) for site in SITES])
    one = pebble.start_pebble(pebble.Behaviour(blocked=("refused.test",)))
    two, three = caddy.start_caddy_ca(), pebble.start_pebble(name="pebble-three", port=14100)
    for site in SITES:
        plain_website(site, f"{site}.test")
    apache.start_apache()
    product = Product()
    product.make()
    product.run("setup")
    for name, ca in (("one", one), ("two", two), ("three", three)):
        where = ("--directory", ca.directory, "--ca-bundle", str(ca.bundle), "--caa", f"{name}.example")
        product.run("provider", "add", name, *where)
        product.run("provider", "register", name, "--accept-terms")
    product.run("provider", "use", "one")
    product.run("discover")
    made = Host(product, one, two, three)
    stop(three)
    yield made


def stop(ca: pebble.Pebble | caddy.CaddyCa) -> None:
    ca.process.kill()
    ca.process.wait()


def test_a_fallback_that_is_down_is_never_asked_while_the_current_one_issues(host: Host) -> None:
    host.behind("three", "two")
    found = host.check("good")
    assert (found["web"], found["provider"], host.issuer("good")) == ("installed", "one", "one")
    assert "is tried" not in found["log"] and "three" not in found["log"]


def test_what_the_current_one_refuses_by_policy_comes_from_the_next(host: Host) -> None:
    host.behind("two")
    found = host.check("refused")
    assert (found["web"], found["provider"], host.issuer("refused")) == ("installed", "two", "two"), found
    assert found["problem"] is None
    assert "rejectedIdentifier" in found["log"] and "one does not issue it; two is tried" in found["log"]
    assert "issued by two for " in found["log"]


def test_what_caa_records_forbid_the_current_one_comes_from_one_that_they_allow(host: Host) -> None:
    found = host.check("caa")
    assert (found["web"], found["provider"], host.issuer("caa")) == ("installed", "two", "two"), found
    assert "one.example" in found["log"] and "one does not issue it; two is tried" in found["log"]
    assert found["left_off"] == []


def test_what_can_not_be_had_from_one_that_is_down_comes_from_the_next(host: Host) -> None:
    stop(host.one)
    found = host.check("down")
    assert (found["web"], found["provider"], host.issuer("down")) == ("installed", "two", "two"), found


def test_the_third_is_tried_when_two_are_down(host: Host) -> None:
    host.behind("three", "two")
    found = host.check("twice")
    assert (found["web"], found["provider"], host.issuer("twice")) == ("installed", "two", "two"), found
    assert "three is tried" in found["log"] and "two is tried" in found["log"]


def test_when_all_are_down_each_is_named_with_its_own_reason(host: Host) -> None:
    stop(host.two)
    found = host.check("none")
    assert (found["outcome"], found["problem"]["code"]) == ("failed", "ca_unreachable"), found
    text = found["problem"]["text"]
    for name, port in (("one", 14000), ("three", 14100), ("two", 9443)):
        assert f"{name}: " in text and f"localhost:{port}" in text
    assert text.index("one: ") < text.index("three: ") < text.index("two: ")
