"""A website with more names than its provider allows on a certificate, on real Apache, Dovecot and Exim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.demo import served
from jobs.demo.accounts import plain_website
from jobs.demo.daemons import apache, bind, dovecot, exim, pebble
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.demo.served import Place

pytestmark = pytest.mark.e2e(timeout=240)

DOMAIN = "wide.test"
LABELS = ("www", "mail", "shop", "blog", "news", "wiki", "forum")
CAP = 3
DOCROOT = Path("/home/wide/public_html")
MAIL_PORTS = (143, 993, 25, 465)


def names(*more: str) -> list[str]:
    return [DOMAIN, *(f"{label}.{DOMAIN}" for label in (*LABELS, *more))]


def zone(*more: str) -> bind.Zone:
    return bind.Zone(DOMAIN, [(label, "A", PUBLIC_ADDRESS) for label in ("@", *LABELS, *more)])


class Server:
    def __init__(self) -> None:
        self.dns = bind.start_bind([zone()])
        self.ca = pebble.start_pebble()
        plain_website("wide", *names())
        apache.start_apache()
        dovecot.start_dovecot()
        exim.start_exim([DOMAIN])
        self.product = Product()
        self.product.make()
        self.product.run("setup")
        self.use("narrow", "--max-names", str(CAP))

    def use(self, name: str, *more: str) -> None:
        where = ("--directory", self.ca.directory, "--ca-bundle", str(self.ca.bundle))
        self.product.run("provider", "add", name, *where, *more)
        self.product.run("provider", "use", name, "--accept-terms", "--contact", "admin@bench.test")

    def check(self, *more: str) -> dict[str, dict[str, Any]]:
        report = self.product.run("check", "--all", "--json", *more, expected=(0, 1)).json()
        return {site["website"]: site for site in report["websites"]}

    def trouble(self, ports: tuple[int, ...], of: list[str]) -> dict[tuple[str, int], str]:
        """Where a client that trusts the test CA only is refused, and why."""
        places = [Place("wide", name, port, "") for name in of for port in ports]
        found = served.ask(places, self.ca.root())
        return {(row.place.name, row.place.port): row.trouble for row in found if row.trouble}


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


def parts(report: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    return {main: site["names"] for main, site in report.items() if site["part_of"] == DOMAIN}


def test_a_plan_tells_the_parts_and_orders_nothing(server: Server) -> None:
    report = server.check("--plan")
    assert len(parts(report)) == 2 and server.ca.issued() == 0
    left = {one["code"] for one in report[DOMAIN]["left_off"]}
    assert left == {"split_off"}


def test_every_name_is_served_by_imap_and_smtp_in_the_first_run(server: Server) -> None:
    report = server.check()
    assert server.ca.issued() == 3
    assert report[DOMAIN]["names"] == [DOMAIN, f"www.{DOMAIN}", f"mail.{DOMAIN}"]
    everything = [*report[DOMAIN]["names"], *(name for own in parts(report).values() for name in own)]
    assert sorted(everything) == sorted(names())
    for main in parts(report):
        states = {service: state["state"] for service, state in report[main]["services"].items()}
        assert states == {"dovecot": "installed", "exim": "installed"}
    assert server.trouble(MAIL_PORTS, names()) == {}


def test_the_web_server_has_the_first_certificate_only_and_that_is_told(server: Server) -> None:
    first = names()[:CAP]
    assert server.trouble((443,), first) == {}
    refused = server.trouble((443,), [name for name in names() if name not in first])
    assert len(refused) == len(names()) - CAP and all("mismatch" in words for words in refused.values())
    told = server.product.run("status", "--json").json()["accounts"]
    (site,) = [site for account in told for site in account["websites"] if site["website"] == DOMAIN]
    rows = site["names"]
    assert {row["name"] for row in rows if row["code"] == "split_off"} == set(names()) - set(first)


def test_no_name_is_claimed_twice_in_any_configuration() -> None:
    blocks = [line for line in Path("/etc/dovecot/conf.d/99-autossl.conf").read_text().splitlines()
              if line.startswith("local_name")]
    claimed = [name for line in blocks for name in line.split('"')[1].split()]
    assert sorted(claimed) == sorted(names())
    lines = [line for line in (INSTANCE / "conf" / "exim.map").read_text().splitlines() if not line.startswith("#")]
    assert sorted(line.split(":")[0] for line in lines) == sorted(names())


def test_another_check_orders_nothing(server: Server) -> None:
    before = server.ca.issued()
    assert {site["outcome"] for site in server.check().values()} == {"kept"}
    assert server.ca.issued() == before


def test_a_new_name_goes_to_the_part_with_room(server: Server) -> None:
    before = server.ca.issued()
    server.dns.write(zone("docs"))
    apache.add_vhosts(DOMAIN, apache.plain_vhost(DOCROOT, *names("docs")))
    apache.reload_apache()
    report = server.check()
    assert server.ca.issued() == before + 1
    assert sorted(map(len, parts(report).values())) == [3, 3]
    assert server.trouble(MAIL_PORTS, names("docs")) == {}


def test_a_provider_with_room_takes_all_names_back_and_the_parts_end(server: Server) -> None:
    server.use("wide-enough")
    before = server.ca.issued()
    report = server.check()
    assert server.ca.issued() == before + 1 and sorted(report[DOMAIN]["names"]) == sorted(names("docs"))
    assert server.trouble((443, *MAIL_PORTS), names("docs")) == {}
    report = server.check()
    assert set(report) == {DOMAIN} and report[DOMAIN]["outcome"] == "kept" and report[DOMAIN]["left_off"] == []
    text = Path("/etc/dovecot/conf.d/99-autossl.conf").read_text() + (INSTANCE / "conf" / "exim.map").read_text()
    assert f"/live/{DOMAIN}/" in text and f"/live/{next(iter(LABELS[2:]))}" not in text
    assert not [main for main in names("docs")[1:] if f"/live/{main}/" in text]
    assert server.trouble((443, *MAIL_PORTS), names("docs")) == {}
    assert server.ca.issued() == before + 1
