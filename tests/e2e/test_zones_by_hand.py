"""`autossl plugin` and `autossl dns` on a server with BIND: a backend is set up, proven, looked at and taken back."""

from __future__ import annotations

from typing import Any

import dns.resolver
import pytest

from jobs.demo.daemons import bind
from jobs.demo.daemons.bind import ADDRESS, TSIG_NAME, Bind, Zone, start_bind
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.ports import Record
from jobs.wiring.instance import open_instance
from jobs.wiring.parts import zones
from jobs.zones import kept
from jobs.zones.writing import put

pytestmark = pytest.mark.e2e(timeout=180)

STATIC, DYNAMIC, OUTSIDE = "static.test", "dynamic.test", "outside.test"
THEIRS = '0 issue "other.example"'
DELEGATION = ("_acme-challenge.www", "CNAME", f"www.{OUTSIDE}.challenges.{DYNAMIC}.")


@pytest.fixture(scope="module")
def server() -> Bind:
    hosts = [("@", "A", PUBLIC_ADDRESS), ("www", "A", PUBLIC_ADDRESS)]
    return start_bind([
        Zone(STATIC, [*hosts, ("@", "CAA", THEIRS)]),
        Zone(DYNAMIC, [*hosts, ("@", "CAA", THEIRS)], dynamic=True),
        Zone(OUTSIDE, hosts),
    ])


@pytest.fixture(scope="module")
def product(server: Bind) -> Product:
    made = Product()
    made.make()
    made.run("plugin", "set", "bind_zonefile", "enabled=yes", f"zones={STATIC}")
    made.run("plugin", "set", "rfc2136", f"server={ADDRESS}", f"zones={DYNAMIC}", f"key_name={TSIG_NAME}",
             "--secret-file", "key_secret=-", stdin=f"{server.keys[TSIG_NAME]}\n")
    made.run("option", "set", "challenge_zone", f"challenges.{DYNAMIC}")
    return made


def values(name: str, kind: str) -> set[str]:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [ADDRESS], bind.PORT
    return {str(one) for one in resolver.resolve(name, kind, raise_on_no_answer=False)}


def shown(product: Product, name: str) -> dict[str, Any]:
    found: dict[str, Any] = product.run("dns", "show", name, "--json").json()
    return found


def test_the_backends_are_in_use_and_the_secret_is_not_told(product: Product, server: Bind) -> None:
    answer = product.run("plugin", "list", "--json")
    assert server.keys[TSIG_NAME] not in answer.stdout
    active = {one["name"]: one["active"] for one in answer.json()["plugins"]}
    assert active["bind_zonefile"] and active["rfc2136"]


@pytest.mark.parametrize(("zone", "backend"), [(STATIC, "bind_zonefile"), (DYNAMIC, "rfc2136")])
def test_a_backend_is_proven_on_its_zone_and_nothing_is_left(product: Product, zone: str, backend: str) -> None:
    answer = product.run("dns", "test", zone)
    said = answer.stdout.splitlines()
    assert said == [
        f"{zone} is served by the backend {backend}",
        f"written: _acme-challenge.{zone}. TXT, a random value; waiting for the name servers",
        "every name server shows it",
        "taken away; waiting for the name servers",
        "no name server shows it any more",
        f"It works: {zone}, by {backend}.",
    ]
    with pytest.raises(dns.resolver.NXDOMAIN):
        values(f"_acme-challenge.{zone}", "TXT")
    assert product.run("dns", "records", "--json").json() == {"records": []}


def test_a_zone_that_nobody_serves_is_told(product: Product) -> None:
    answer = product.run("dns", "test", OUTSIDE, "--json", expected=(2,))
    assert answer.json()["error"]["code"] == "zone_not_served"


def test_a_wrong_key_fails_and_leaves_nothing(product: Product, server: Bind) -> None:
    product.run("plugin", "set", "rfc2136", "--secret-file", "key_secret=-", stdin="d3Jvbmc=\n")
    answer = product.run("dns", "test", DYNAMIC, "--json", expected=(1,))
    assert answer.json()["error"]["code"].startswith(("zone_", "dns_backend_"))
    assert server.keys[TSIG_NAME] not in answer.stdout
    product.run("plugin", "set", "rfc2136", "--secret-file", "key_secret=-", stdin=f"{server.keys[TSIG_NAME]}\n")
    product.run("dns", "undo", expected=(0, 1))
    assert product.run("dns", "records", "--json").json() == {"records": []}


@pytest.mark.parametrize("zone", [STATIC, DYNAMIC])
def test_a_record_of_ours_is_listed_and_taken_back_and_theirs_stays(product: Product, zone: str) -> None:
    ours = '0 issue "ca.test"'
    instance = open_instance(INSTANCE)
    serving = zones(instance).serving(zone)
    assert serving is not None
    put(serving, Record(zone, "CAA", ours), kept.CAA, "pebble")
    instance.close()
    assert values(zone, "CAA") == {THEIRS, ours}
    (row,) = product.run("dns", "records", "--json").json()["records"]
    assert (row["zone"], row["backend"], row["value"], row["provider"]) == (zone, serving.backend.name, ours, "pebble")
    answer = product.run("dns", "undo")
    assert answer.stdout == f'taken away: {zone}. CAA {ours}\n'
    assert values(zone, "CAA") == {THEIRS}
    assert product.run("dns", "undo").stdout == "Nothing of ours stands in any zone.\n"


def test_a_name_is_shown_with_its_zone_and_the_delegation_it_needs(product: Product, server: Bind) -> None:
    assert (shown(product, f"www.{STATIC}")["zone"], shown(product, f"www.{DYNAMIC}")["backend"]) == (STATIC, "rfc2136")
    found = shown(product, f"www.{OUTSIDE}")
    owner, kind, target = DELEGATION
    assert found["zone"] is None
    assert found["delegation"]["record"] == f"{owner}.{OUTSIDE}. {kind} {target}"
    assert (found["delegation"]["set"], found["delegation"]["backend"]) == (False, "rfc2136")
    server.write(Zone(OUTSIDE, [("www", "A", PUBLIC_ADDRESS), DELEGATION]))
    assert shown(product, f"www.{OUTSIDE}")["delegation"]["set"] is True
    assert shown(product, f"*.www.{OUTSIDE}")["delegation"]["set"] is True
