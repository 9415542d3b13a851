"""A website of which some names fail, each for a reason of its own: it keeps every name that it had, and its owner
reads on each name's page why it failed and what he can do."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import models
from jobs.demo.accounts import ELSEWHERE, plain_website
from jobs.demo.daemons import apache, bind, caa_front, pebble
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.policy.access import Role
from jobs.wiring import people
from panel import create_app
from tests.panel.browser import PASSWORD, Browser

pytestmark = pytest.mark.e2e(timeout=120)

DOMAIN = "mixed.test"
HAD = (DOMAIN, f"www.{DOMAIN}", f"gone.{DOMAIN}", f"locked.{DOMAIN}")
FRESH = f"fresh.{DOMAIN}"
FAILING = {
    f"gone.{DOMAIN}": ("The name does not exist in DNS", "Add an A or AAAA record"),
    f"locked.{DOMAIN}": ("CAA records forbid the provider", 'locked.mixed.test. CAA 0 issue "ca.test"'),
    f"far.{DOMAIN}": ("The address can&#39;t be reached from here", "Point the name to an address of this host"),
    f"round.{DOMAIN}": ("CNAME records in a circle", "Let the last CNAME record of the chain point to a name with an"),
    f"shut.{DOMAIN}": ("CAA records forbid every CA", 'shut.mixed.test. CAA 0 issue "ca.test"'),
}
"""Words of the title and of what to do, by name."""

ZONE = bind.Zone(DOMAIN, [
    *((label, "A", PUBLIC_ADDRESS) for label in ("@", "www", "gone", "locked", "fresh", "shut")),
    ("far", "A", ELSEWHERE), ("round", "CNAME", "about"), ("about", "CNAME", "round"), ("shut", "CAA", '0 issue ";"'),
])
AFTERWARDS = replace(ZONE, records=[
    *(row for row in ZONE.records if row[0] != "gone"), ("locked", "CAA", '0 issue "other.example"'),
])


class Server:
    def __init__(self) -> None:
        self.dns = bind.start_bind([ZONE])
        self.pebble = pebble.start_pebble()
        ca = caa_front.start_caa_front(self.pebble)
        plain_website("mixed", *HAD)
        apache.start_apache()
        self.product = Product()
        self.product.make()
        self.product.run("setup")
        self.product.run("provider", "add", "front", "--directory", ca.directory, "--ca-bundle", str(ca.bundle))
        self.product.run("provider", "use", "front", "--accept-terms", "--contact", "admin@bench.test")
        self.first = self.check()
        self.dns.write(AFTERWARDS)
        names = dict.fromkeys((*HAD, FRESH, *FAILING))
        apache.add_vhosts(DOMAIN, apache.plain_vhost(Path("/home/mixed/public_html"), *names))
        apache.reload_apache()
        self.second = self.check()

    def check(self) -> dict[str, Any]:
        report = self.product.run("check", "--all", "--json", expected=(0, 1)).json()
        (found,) = (site for site in report["websites"] if site["website"] == DOMAIN)
        return dict(found)

    def handshake(self, name: str) -> None:
        """By the address: one of the names is not in DNS any more. Raises ssl.SSLError unless it is trusted there."""
        context = ssl.create_default_context(cadata=self.pebble.root())
        with socket.create_connection((PUBLIC_ADDRESS, 443), timeout=10) as plain:
            context.wrap_socket(plain, server_hostname=name).close()


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


@pytest.fixture(scope="module")
def owner(server: Server) -> Browser:
    app = create_app(INSTANCE)
    models.database.connect(reuse_if_open=True)
    people.create("the-owner", PASSWORD, Role.USER, "mixed")
    models.database.close()
    browser = Browser(app)
    browser.sign_in("the-owner")
    return browser


def test_the_website_keeps_every_name_that_it_had(server: Server) -> None:
    """The web server is the only service that runs here."""
    assert server.first["services"]["apache"]["state"] == "installed" and set(server.first["names"]) >= set(HAD)
    assert server.second["decision"] == "keep" and server.pebble.issued() == 1
    for name in HAD:
        server.handshake(name)


def test_a_name_that_could_be_secured_waits_and_the_reason_names_what_blocks_it(server: Server) -> None:
    said = server.second["reason"]
    assert f"gone.{DOMAIN}" in said or f"locked.{DOMAIN}" in said


@pytest.mark.parametrize("name", FAILING)
def test_the_owner_reads_why_a_name_failed_and_what_he_can_do(owner: Browser, name: str) -> None:
    title, remedy = FAILING[name]
    page = owner.get(f"/status/mixed/name/{name}")
    assert page.status_code == 200
    text = page.text.replace("&#34;", '"')
    assert title in text and remedy in text, text


def test_the_log_has_the_record_to_add(server: Server) -> None:
    texts = {one["name"]: one["text"] for one in server.second["left_off"]}
    assert f'locked.{DOMAIN}. CAA 0 issue "ca.test"' in texts[f"locked.{DOMAIN}"]
