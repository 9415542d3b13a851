"""A server with three accounts, from its first check on: what is served, what stays as it was, and what comes later."""

from __future__ import annotations

import http.client
import ssl
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.demo import accounts, served
from jobs.demo.daemons import apache, bind
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, Product
from jobs.demo.served import Place
from jobs.demo.story import Bench

pytestmark = pytest.mark.e2e(timeout=240)



def check(product: Product) -> dict[str, Any]:
    report: dict[str, Any] = product.run("check", "--all", "--json", expected=(0, 1)).json()
    return report


def by_website(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {site["website"]: site for site in report["websites"]}


def appear(bench: Bench, user: str, label: str) -> str:
    """A new website `label.DOMAIN` of an account, in DNS and in Apache; its name."""
    account = next(one for one in bench.accounts if one.user == user)
    zone = next(zone for zone in accounts.zones([account]))
    bench.dns.write(bind.Zone(zone.name, [*zone.records, (label, "A", PUBLIC_ADDRESS)]))
    name = f"{label}.{account.domain}"
    apache.add_vhosts(name, apache.plain_vhost(account.docroot, name))
    apache.reload_apache()
    return name


@pytest.fixture(scope="module", autouse=True)
def first(product: Product) -> dict[str, Any]:
    return check(product)


@pytest.fixture
def trusting(bench: Bench) -> ssl.SSLContext:
    """Trusts the test CA's root, and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=bench.ca.root())
    return context


def test_every_service_of_every_account_is_trusted_by_the_test_root_only(bench: Bench) -> None:
    rows = served.ask(served.places(bench.accounts), bench.ca.root())
    assert [row for row in rows if row.trouble] == []


def test_no_challenge_is_left() -> None:
    assert list((INSTANCE / "challenges").iterdir()) == []


def test_the_website_that_forces_https_still_does(bench: Bench) -> None:
    connection = http.client.HTTPConnection("alice.test", timeout=10)
    connection.request("GET", "/a/page?x=1")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, "https://alice.test/a/page?x=1")


def test_a_web_disk_takes_its_users_files_and_nobody_elses(bench: Bench, trusting: ssl.SSLContext) -> None:
    def ask(method: str, user: str | None, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection("webdisk.carol.test", apache.WEB_DISK, timeout=10, context=trusting)
        word = b64encode(f"{user}:demo".encode()).decode()
        connection.request(method, "/kept.txt", body, {"Authorization": f"Basic {word}"} if user else {})
        answer = connection.getresponse()
        return answer.status, answer.read()

    docroot = next(account.docroot for account in bench.accounts if account.user == "carol")
    docroot.chmod(0o777)  # WebDAV writes as www-data
    assert ask("PUT", None, b"x")[0] == 401
    assert ask("PUT", "alice", b"x")[0] == 401
    assert ask("PUT", "carol", b"kept")[0] == 201
    assert ask("GET", "carol") == (200, b"kept")


def test_another_check_orders_nothing_and_reloads_nothing(bench: Bench, product: Product) -> None:
    before = bench.ca.issued(), _reloads()
    assert min(before) > 0
    report = check(product)
    assert {site["decision"] for site in report["websites"]} == {"keep"}
    assert (bench.ca.issued(), _reloads()) == before


def _reloads() -> int:
    return Path("/var/log/apache2/error.log").read_text().count("Doing graceful restart")


def test_a_website_that_appears_is_secured_and_only_that_is_ordered(bench: Bench, product: Product) -> None:
    name = appear(bench, "carol", "blog")
    before = bench.ca.issued()
    found = by_website(check(product))
    assert found[name]["outcome"] == "installed"
    assert bench.ca.issued() == before + 1
    (row,) = served.ask([Place("carol", name, 443, "website", "This is carol.test.\n")], bench.ca.root())
    assert row.trouble == ""


@pytest.fixture
def broken_dovecot() -> Iterator[Path]:
    path = Path("/etc/dovecot/conf.d/99-broken.conf")
    path.write_text("no_such_setting = yes\n")
    yield path
    path.unlink(missing_ok=True)


def test_a_service_that_is_broken_fails_alone_and_is_made_good_later(
    bench: Bench, product: Product, broken_dovecot: Path
) -> None:
    name = appear(bench, "bob", "shop")
    site = by_website(check(product))[name]
    states = {service: state["state"] for service, state in site["services"].items()}
    assert states.pop("dovecot") == "failed"
    assert set(states.values()) == {"installed"}
    assert "no_such_setting" in site["services"]["dovecot"]["text"]
    mail = Place("bob", "mail.bob.test", 993, "imap")
    assert served.ask([mail], bench.ca.root())[0].trouble == ""
    broken_dovecot.unlink()
    before = bench.ca.issued()
    site = by_website(product.run("check", "--user", "bob", "--json", expected=(0, 1)).json())[name]
    assert site["services"]["dovecot"]["state"] == "installed"
    assert bench.ca.issued() == before
