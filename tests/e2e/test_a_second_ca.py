"""A second CA beside the first: what is secured stays, and what is new comes from the CA that is in use now."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from jobs.challenges import HttpSolver
from jobs.courses import Waits, finish
from jobs.demo import accounts, served
from jobs.demo.daemons import apache, bind
from jobs.demo.daemons.caddy import CaddyCa, start_caddy_ca
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.demo.served import Place
from jobs.demo.story import Bench
from jobs.keys import new_key
from jobs.policy.certificate import Bundle, Certificate
from jobs.policy.keys import KeyType
from jobs.policy.proof import read_certificate
from jobs.ports import OrderRequest, Solver
from jobs.providers.custom import Options, Provider
from tests.jobs.acme.client import Notes

pytestmark = pytest.mark.e2e(timeout=240)



@dataclass
class ZoneSolver:
    """dns-01 by writing the zone's file anew; a token has its own value, so that two at one name stand together."""

    dns: bind.Bind
    zone: bind.Zone
    put: dict[str, str] = field(default_factory=dict)

    def present(self, name: str, token: str, key_authorization: str) -> None:
        self.put[token] = urlsafe_b64encode(sha256(key_authorization.encode()).digest()).decode().rstrip("=")
        self._write()

    def settle(self, name: str, token: str) -> Waits[None]:
        """A reload of BIND is over when it returns."""
        yield from ()

    def clean(self, name: str, token: str) -> None:
        self.put.pop(token, None)
        self._write()

    def _write(self) -> None:
        values = [("_acme-challenge", "TXT", f'"{value}"') for value in self.put.values()]
        self.dns.write(replace(self.zone, records=[*self.zone.records, *values]))


def check(product: Product) -> dict[str, dict[str, Any]]:
    report = product.run("check", "--all", "--json", expected=(0, 1)).json()
    return {site["website"]: site for site in report["websites"]}


@pytest.fixture(scope="module")
def first(product: Product) -> dict[str, dict[str, Any]]:
    """Everything is secured by Pebble."""
    return check(product)


@pytest.fixture(scope="module")
def caddy(first: dict[str, dict[str, Any]]) -> CaddyCa:
    return start_caddy_ca()


@pytest.fixture(scope="module")
def provider(caddy: CaddyCa) -> Provider:
    options = Options(directory=caddy.directory, ca_bundle=str(caddy.bundle), wildcard=True)
    return Provider(options, Provider(options).register("admin@bench.test", True, None))


def order(provider: Provider, kind: str, solver: Solver, *names: str) -> Certificate:
    request = OrderRequest(names, new_key(KeyType.ECDSA_P256), methods={name: kind for name in names})
    bundle = finish(provider.issue(request, {kind: solver}, Notes()))
    assert isinstance(bundle, Bundle)
    leaf = read_certificate(bundle.leaf)
    assert set(leaf.names) == set(names)
    return leaf


def test_it_issues_by_http_to_our_own_order_flow(provider: Provider) -> None:
    leaf = order(provider, "http-01", HttpSolver(INSTANCE / "challenges"), "alice.test", "www.alice.test")
    assert leaf.not_after - leaf.not_before < timedelta(hours=13)
    assert list((INSTANCE / "challenges").iterdir()) == []


def test_it_issues_a_name_and_its_wildcard_by_dns(provider: Provider, bench: Bench) -> None:
    (zone,) = accounts.zones(one for one in bench.accounts if one.domain == "bob.test")
    solver = ZoneSolver(bench.dns, zone)
    order(provider, "dns-01", solver, "bob.test", "*.bob.test")
    assert solver.put == {}


def test_another_provider_in_use_orders_nothing_anew(product: Product, bench: Bench, caddy: CaddyCa) -> None:
    product.run("provider", "add", "caddy", "--directory", caddy.directory, "--ca-bundle", str(caddy.bundle))
    product.run("provider", "use", "caddy", "--accept-terms")
    before = bench.ca.issued()
    assert {site["decision"] for site in check(product).values()} == {"keep"}
    assert bench.ca.issued() == before
    rows = served.ask(served.places(bench.accounts), bench.ca.root())
    assert [row for row in rows if row.trouble] == []


def test_a_new_website_comes_from_the_provider_in_use(product: Product, bench: Bench, caddy: CaddyCa) -> None:
    account = next(one for one in bench.accounts if one.domain == "alice.test")
    (zone,) = accounts.zones([account])
    bench.dns.write(replace(zone, records=[*zone.records, ("blog", "A", PUBLIC_ADDRESS)]))
    docroot = account.docroot.with_name("blog")
    docroot.mkdir(mode=0o755)
    (docroot / "index.html").write_text("This is the blog.\n")
    apache.add_vhosts("blog.alice.test", apache.plain_vhost(docroot, "blog.alice.test"))
    apache.reload_apache()
    before = bench.ca.issued()
    found = check(product)
    assert found["blog.alice.test"]["outcome"] == "installed", found["blog.alice.test"]
    assert {site["decision"] for main, site in found.items() if main != "blog.alice.test"} == {"keep"}
    assert bench.ca.issued() == before
    places = [Place(account.user, "blog.alice.test", 443, "website", "This is the blog.\n")]
    (row,) = served.ask(places, caddy.root())
    assert (row.trouble, row.issuer) == ("", "CA Two - ECC Intermediate")
