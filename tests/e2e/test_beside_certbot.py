"""A host on which certbot and mod_md look after websites: they are left alone, and taken over only where that is said.

The real certbot and the real mod_md order from the same CA, which counts every order.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from peewee import SqliteDatabase

import models
from jobs.demo.accounts import add_user
from jobs.demo.daemons import apache, bind, pebble
from jobs.demo.daemons.starting import until
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.policy.proof import read_certificate

pytestmark = pytest.mark.e2e(timeout=180)

SHOP, BLOG, MANAGED = "shop.test", "blog.test", "managed.test"
"""The first two share one certificate of certbot's."""

LIVE = Path("/etc/letsencrypt/live") / SHOP
RENEWAL = Path(f"/etc/letsencrypt/renewal/{SHOP}.conf")
_TLS = """<VirtualHost *:443>
	ServerName {name}
	ServerAlias www.{name}
	DocumentRoot {docroot}
	SSLEngine on
{more}</VirtualHost>
"""
_PAIR = f"\tSSLCertificateFile {LIVE}/fullchain.pem\n\tSSLCertificateKeyFile {LIVE}/privkey.pem\n"


class Host:
    """Apache is the only service that runs, and has no vhost with a certificate of ours."""

    def __init__(self, product: Product) -> None:
        labels = ("@", "www", "mail")
        bind.start_bind([
            bind.Zone(name, [(label, "A", PUBLIC_ADDRESS) for label in labels]) for name in (SHOP, BLOG, MANAGED)
        ])
        self.ca = pebble.start_pebble()
        self.docroots = {name: add_user(name.partition(".")[0]) for name in (SHOP, BLOG, MANAGED)}
        for name in (SHOP, BLOG):
            self.write(name)
        self.write(MANAGED, "", self.managed_domain)
        apache.start_apache((*apache.MODULES, "md"))
        self.certbot("certonly", "--webroot", *self.webroots())
        for name in (SHOP, BLOG):
            self.write(name, _PAIR)
        staged = Path(f"/etc/apache2/md/staging/{MANAGED}/job.json")
        until("mod_md has its certificate", lambda: staged.exists() and '"finished": true' in staged.read_text())
        apache.reload_apache()
        self.product = product
        self.product.make()
        self.product.run("setup")
        self.product.use(self.ca)
        self.orders = self.ca.ordered()

    @property
    def managed_domain(self) -> str:
        lines = (f"MDCertificateAuthority {self.ca.directory}", f"MDCACertificateFile {self.ca.bundle}",
                 "MDCertificateAgreement accepted", f"MDContactEmail admin@{MANAGED}",
                 f"MDomain {MANAGED} www.{MANAGED}")
        return "\n".join((*lines, ""))

    def write(self, name: str, pair: str | None = None, before: str = "") -> None:
        """The vhosts of one website; `pair`: the lines of a certificate, None for none of TLS at all."""
        docroot = self.docroots[name]
        tls = "" if pair is None else _TLS.format(name=name, docroot=docroot, more=pair)
        apache.add_vhosts(name, before + apache.plain_vhost(docroot, name, f"www.{name}") + tls)

    def webroots(self) -> list[str]:
        return [
            word for name in (SHOP, BLOG)
            for word in ("-w", str(self.docroots[name]), "-d", name, "-d", f"www.{name}")
        ]

    def certbot(self, *words: str) -> str:
        account = ["--agree-tos", "--register-unsafely-without-email"] if words[0] == "certonly" else []
        answer = subprocess.run(
            ["certbot", *words, *account, "-n", "--server", self.ca.directory],
            env={**os.environ, "REQUESTS_CA_BUNDLE": str(self.ca.bundle)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
        )
        return answer.stdout

    def check(self, *scope: str) -> dict[str, dict[str, Any]]:
        report = self.product.run("check", *(scope or ["--all"]), "--json", expected=(0, 1)).json()
        return {site["website"]: site for site in report["websites"]}

    def serial(self, name: str) -> str:
        """Of what Apache serves, which its root vouches for."""
        context = ssl.create_default_context(cadata=self.ca.root())
        plain = socket.create_connection((PUBLIC_ADDRESS, 443), timeout=10)
        with plain, context.wrap_socket(plain, server_hostname=name) as tls:
            facts: Any = tls.getpeercert()
            return str(facts["serialNumber"]).lower().lstrip("0")

    def of_certbot(self) -> str:
        return read_certificate((LIVE / "cert.pem").read_bytes()).serial


@pytest.fixture(scope="module")
def host() -> Host:
    return Host(Product())


def ordered(host: Host) -> int:
    """Orders that the CA has seen since the last time."""
    before, host.orders = host.orders, host.ca.ordered()
    return host.orders - before


def test_what_others_look_after_is_shown_and_left_alone(host: Host) -> None:
    found = host.check()
    assert {name: site["outcome"] for name, site in found.items()} == dict.fromkeys((SHOP, BLOG, MANAGED), "left alone")
    assert "(managed by certbot)" in found[SHOP]["reason"] and "(managed by mod_md)" in found[MANAGED]["reason"]
    told = " ".join(host.product.run("status").stdout.split())
    assert "managed by certbot, expires" in told and f"autossl import certbot --website {SHOP}" in told
    websites = host.product.run("website", "list", "--foreign", "--json").json()["websites"]
    assert {one["website"]: one["managed_by"] for one in websites} == {
        SHOP: "certbot", BLOG: "certbot", MANAGED: "mod_md"}
    assert ordered(host) == 0 and {host.serial(SHOP), host.serial(BLOG)} == {host.of_certbot()}


def test_the_doctor_names_them_and_says_if_nothing_renews(host: Host) -> None:
    def results() -> dict[str, dict[str, Any]]:
        report = host.product.run("doctor", "--json", expected=(0, 1)).json()
        (check,) = [one for one in report["checks"] if one["check"] == "other_clients"]
        return {one["subject"]: one for one in check["results"]}

    found = results()
    assert {"certbot", "mod_md"} <= set(found)
    assert "run by /etc/cron.d/certbot" in found["certbot"]["text"], "no systemd runs here"
    assert "renews by itself" in found["mod_md"]["text"]
    cron = Path("/etc/cron.d/certbot")
    kept = cron.read_bytes()
    cron.unlink()
    assert "no timer and no cron job runs it" in results()["certbot"]["text"]
    cron.write_bytes(kept)


def test_a_plan_of_the_import_changes_nothing(host: Host) -> None:
    plan = host.product.run("import", "certbot", "--plan", "--json").json()
    assert {one["website"]: one["adopted"] for one in plan["lineages"]} == {SHOP: True, BLOG: True}
    assert host.check()[SHOP]["outcome"] == "left alone" and ordered(host) == 0


def test_an_import_and_the_check_after_it_order_nothing_and_the_same_certificate_is_served(host: Host) -> None:
    before = host.of_certbot()
    host.product.run("import", "certbot")
    found = host.check()
    for name in (SHOP, BLOG):
        assert found[name]["decision"] == "install only" and found[name]["services"]["apache"]["state"] == "installed"
        assert host.serial(name) == before
        vhosts = Path(f"/etc/apache2/sites-available/bench-{name}.conf").read_text()
        assert f"{INSTANCE}/tls/live/{name}/apache/fullchain.pem" in vhosts and "/etc/letsencrypt" not in vhosts
    assert found[MANAGED]["outcome"] == "left alone"
    again = host.check()
    assert {again[name]["decision"] for name in (SHOP, BLOG)} <= {"keep", "install only"}
    assert ordered(host) == 0


def test_a_renewal_by_certbot_after_that_changes_nothing_here_and_the_doctor_says_that_it_goes_on(host: Host) -> None:
    mine = host.serial(SHOP)
    host.certbot("renew", "--force-renewal", "--no-random-sleep-on-renew")
    assert host.of_certbot() != mine and ordered(host) == 1
    apache.reload_apache()
    assert host.serial(SHOP) == mine and host.check()[SHOP]["decision"] != "order"
    told = host.product.run("doctor", expected=(0, 1)).stdout
    assert f"mv {RENEWAL} {RENEWAL}.off" in " ".join(told.split())


def test_certbots_renewals_end_by_what_the_import_said_and_its_files_stay(host: Host) -> None:
    RENEWAL.rename(f"{RENEWAL}.off")
    said = host.certbot("renew", "--force-renewal", "--no-random-sleep-on-renew")
    assert "No renewals were attempted" in said and (LIVE / "privkey.pem").exists()
    told = host.product.run("doctor", expected=(0, 1)).stdout
    assert "renews this as well" not in told and ordered(host) == 0


def test_what_was_taken_over_is_renewed_here_when_it_is_due(host: Host) -> None:
    before = host.serial(SHOP)
    host.product.run("website", "takeover", "off", SHOP)
    with database():
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        models.Certificate.update(not_before=long_ago).where(models.Certificate.website == SHOP).execute()
    found = host.check()
    assert found[SHOP]["decision"] == "order" and found[SHOP]["code"] == "due"
    assert host.serial(SHOP) != before and host.serial(BLOG) == before
    assert f"mail.{SHOP}" in found[SHOP]["names"] and ordered(host) == 1


def test_a_website_of_mod_md_is_taken_over_once_its_configuration_lets_go_of_it(host: Host) -> None:
    before = host.serial(MANAGED)
    host.product.run("website", "takeover", "on", MANAGED)
    found = host.check()[MANAGED]
    assert (found["outcome"], found["code"]) == ("kept", "coverage_blocked")
    left = {one["name"]: one["code"] for one in found["left_off"]}
    assert left == dict.fromkeys((MANAGED, f"www.{MANAGED}"), "http_status"), "mod_md answers for its names itself"
    assert host.serial(MANAGED) == before and ordered(host) == 0
    files = Path("/etc/apache2/md/domains") / MANAGED
    host.write(MANAGED, f"\tSSLCertificateFile {files}/pubcert.pem\n\tSSLCertificateKeyFile {files}/privkey.pem\n")
    apache.reload_apache()
    until("Apache serves it again", lambda: host.serial(MANAGED) == before)
    found = host.check("--user", "managed")[MANAGED]  # a person asks, so no backoff counts
    assert found["services"]["apache"]["state"] == "installed", found
    assert host.serial(MANAGED) != before and ordered(host) == 1


@contextmanager
def database() -> Iterator[SqliteDatabase]:
    """The instance's own, for what only time would bring about."""
    opened = models.open_database(INSTANCE / "panel.sqlite3")
    try:
        yield opened
    finally:
        opened.close()
