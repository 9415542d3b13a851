"""A zone that allows another CA only: refused by a CA that obeys it, and issued once the preflight has added ours, by
each DNS backend that this host can run; the rest of the zone is as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.challenges import HttpSolver
from jobs.courses import finish
from jobs.demo.accounts import plain_website
from jobs.demo.daemons import apache, bind, caa_front, pebble, powerdns
from jobs.demo.daemons.starting import run
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.keys import new_key
from jobs.place import Place
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.ports import OrderRequest
from jobs.providers.custom import Options, Provider
from tests.jobs.acme.client import Notes
from tests.jobs.dns_backends.bind_bench import transferred

pytestmark = pytest.mark.e2e(timeout=180)

FOREIGN = ("@", "CAA", '0 issue "other.example"')
SITES = {
    "update": ("update.test", True),
    "byfile": ("byfile.test", False),
    "byapi": ("byapi.test", False),
    "service": ("service.test", False),
    "never": ("never.test", True),
    "closed": ("nobody.test", True),
    "outside": ("outside.test", False),
}
SERVED = {
    "rfc2136": ("update.test", "never.test", "nobody.test"), "bind_zonefile": ("byfile.test",),
    "powerdns": ("byapi.test",), "lexicon": ("service.test",),
}
AT_POWERDNS = (*SERVED["powerdns"], *SERVED["lexicon"])
"""Two zones of one PowerDNS: what lexicon changes is a DNS service like any other for the panel."""


def zone(name: str, dynamic: bool) -> bind.Zone:
    record = ("@", "CAA", '0 issue ";"') if name == "nobody.test" else FOREIGN
    return bind.Zone(name, [("@", "A", PUBLIC_ADDRESS), record], dynamic=dynamic)


def held(name: str) -> set[tuple[str, int, str]]:
    """Every record of a zone, as its own server has it."""
    return transferred(name, powerdns.ADDRESS if name in AT_POWERDNS else bind.ADDRESS)


class Server:
    def __init__(self) -> None:
        at_bind = [zone(name, dynamic) for name, dynamic in SITES.values() if name not in AT_POWERDNS]
        self.dns = bind.start_bind(at_bind, powerdns.delegations(AT_POWERDNS))
        at_powerdns = [powerdns.Zone(name, zone(name, False).records) for name in AT_POWERDNS]
        self.powerdns = powerdns.start_powerdns(at_powerdns)
        self.before = {name: held(name) for name, _ in SITES.values()}
        self.ca = caa_front.start_caa_front(pebble.start_pebble())
        for user, (name, _) in SITES.items():
            plain_website(user, name)
        apache.start_apache()
        self.product = Product()
        self.product.make()
        self.product.run("setup")
        where = ("--directory", self.ca.directory, "--ca-bundle", str(self.ca.bundle))
        self.product.run("provider", "add", "front", *where)
        self.product.run("provider", "use", "front", "--accept-terms", "--contact", "admin@bench.test")
        values = (f"server={bind.ADDRESS}", f"zones={','.join(SERVED['rfc2136'])}", f"key_name={bind.TSIG_NAME}")
        secret = self.dns.keys[bind.TSIG_NAME]
        self.product.run("plugin", "set", "rfc2136", *values, "--secret-file", "key_secret=-", stdin=f"{secret}\n")
        self.product.run("plugin", "set", "bind_zonefile", "enabled=yes", f"zones={','.join(SERVED['bind_zonefile'])}")
        values = (f"api_url={powerdns.API_URL}", f"server={powerdns.ADDRESS}", f"zones={','.join(SERVED['powerdns'])}")
        key = f"{self.powerdns.key}\n"
        self.product.run("plugin", "set", "powerdns", *values, "--secret-file", "api_key=-", stdin=key)
        values = ("service=powerdns", f"zones={','.join(SERVED['lexicon'])}")
        account = f"pdns_server={powerdns.API_URL} auth_token={key}"
        self.product.run("plugin", "set", "lexicon", *values, "--secret-file", "credentials=-", stdin=account)
        self.product.run("discover")

    def order(self, name: str) -> None:
        """As somebody would who asks the CA straight away, by the same challenge directory."""
        options = Options(directory=self.ca.directory, ca_bundle=self.ca.bundle)
        provider = Provider(options, Provider(options).register(None, True, None))
        solvers = {"http-01": HttpSolver(Place(INSTANCE).challenges)}
        finish(provider.issue(OrderRequest((name,), new_key(KeyType.ECDSA_P256)), solvers, Notes()))

    def check(self, user: str, *more: str) -> dict[str, Any]:
        report = self.product.run("check", "--user", user, "--json", *more, expected=(0, 1)).json()
        found: dict[str, Any] = report["websites"][0]
        return found


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


def issued(site: dict[str, Any], name: str, said: str) -> None:
    """Whether the website has its certificate; of the services, only the web server runs here."""
    assert (site["names"], site["left_off"]) == ([name], [])
    assert site["services"]["apache"]["state"] == "installed"
    assert [one["code"] for one in site["warnings"]] == [said]


@pytest.mark.parametrize("name", [name for name, _ in SITES.values()])
def test_without_the_preflight_the_ca_refuses(server: Server, name: str) -> None:
    with pytest.raises(Failure, match=f"CAA record for {name}. prevents issuance") as caught:
        server.order(name)
    assert (caught.value.code, list(caught.value.names)) == ("ca_caa", [name])
    assert server.ca.refused.pop() == name


def test_where_nothing_may_be_added_nothing_is_ordered_and_the_record_to_add_is_told(server: Server) -> None:
    server.product.run("option", "set", "caa", "never")
    site = server.check("never")
    server.product.run("option", "set", "caa", "when needed")
    assert site["outcome"] == "failed"
    left = {one["name"]: one for one in site["left_off"]}
    assert left["never.test"]["code"] == "caa_forbids"
    assert 'never.test. CAA 0 issue "ca.test"' in left["never.test"]["text"]
    assert held("never.test") == server.before["never.test"]
    assert server.ca.refused == []


def test_a_plan_tells_what_would_be_added_and_adds_nothing(server: Server) -> None:
    site = server.check("update", "--plan")
    assert site["decision"] == "order"
    assert held("update.test") == server.before["update.test"]


@pytest.mark.parametrize("user", ["update", "byfile", "byapi", "service"])
def test_a_foreign_record_gets_ours_beside_it_and_the_rest_of_the_zone_is_as_before(server: Server, user: str) -> None:
    name = SITES[user][0]
    issued(server.check(user), name, "caa_added")
    assert held(name) - server.before[name] == {(f"{name}.", 300, 'CAA 0 issue "ca.test"')}
    assert server.before[name] - held(name) == set()


def test_a_zone_that_forbids_everybody_on_purpose_stays_as_it_is(server: Server) -> None:
    site = server.check("closed")
    assert [one["code"] for one in site["left_off"] if one["name"] == "nobody.test"] == ["caa_forbids_everyone"]
    assert held("nobody.test") == server.before["nobody.test"]


def test_where_the_zone_is_elsewhere_the_exact_record_is_told(server: Server) -> None:
    site = server.check("outside")
    texts = [one["text"] for one in site["left_off"] if one["name"] == "outside.test"]
    assert texts and 'Add: outside.test. CAA 0 issue "ca.test"' in texts[0]
    assert held("outside.test") == server.before["outside.test"]


def test_what_was_added_is_listed_and_nothing_else_is_left(server: Server) -> None:
    listed = server.product.run("dns", "records", "--json").json()["records"]
    found = sorted((one["name"], one["backend"], one["purpose"]) for one in listed)
    assert found == [
        ("byapi.test", "powerdns", "caa"), ("byfile.test", "bind_zonefile", "caa"),
        ("service.test", "lexicon", "caa"), ("update.test", "rfc2136", "caa"),
    ]


def test_a_registration_anew_renews_what_names_the_account(server: Server) -> None:
    """The account's own record first stands in the way, then it is replaced, and no order fails in between."""
    account = server.product.run("provider", "show", "front", "--json").json()["account"]
    bound = f'CAA 0 issue "ca.test; accounturi={account}"'
    script = Path("/run/update")
    change = ["update delete never.test. CAA", f"update add never.test. 300 {bound}"]
    script.write_text("\n".join([f"server {bind.ADDRESS}", "zone never.test", *change, "send", ""]))
    run("nsupdate", "-k", "/etc/bind/autossl.key", str(script))
    server.product.run("provider", "reset", "front", "--accept-terms")
    issued(server.check("never"), "never.test", "caa_renewed")
    now = server.product.run("provider", "show", "front", "--json").json()["account"]
    assert now != account
    texts = {text for _, _, text in held("never.test") if text.startswith("CAA")}
    assert texts == {f'CAA 0 issue "ca.test; accounturi={now}"'}


def test_what_was_added_is_taken_away_again_when_asked(server: Server) -> None:
    server.product.run("dns", "undo")
    for name in ("update.test", "byfile.test", "byapi.test", "service.test"):
        assert held(name) == server.before[name]
    assert server.product.run("dns", "records", "--json").json()["records"] == []
    assert server.ca.refused == []
