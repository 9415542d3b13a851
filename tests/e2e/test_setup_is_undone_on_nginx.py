"""`autossl setup --undo` on the other kind of host: nginx, Dovecot and Postfix, the real ones, back byte for byte."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from jobs.demo import served
from jobs.demo.daemons import bind, dovecot, pebble
from jobs.demo.daemons.bind import Zone
from jobs.demo.daemons.self_signed import write as self_sign
from jobs.demo.daemons.starting import run, start
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import Product
from tests.e2e.files import everything, times
from tests.jobs.services import mail_host
from tests.jobs.services.test_postfix import MAIN, MAIN_CF, MASTER_CF, package, settle, unpacked
from tests.panel.setup_host import NOWHERE

__all__ = ["package"]
inside: Callable[[Callable[..., None]], Callable[..., None]] = partial(mail_host.inside, prepare=unpacked)

DOMAIN = "alice.test"
SITE = Path("/etc/nginx/sites-available") / DOMAIN
ELSEWHERE = "".join(f'[{section}]\nbinary = "{NOWHERE}"\n' for section in (
    "services.apache", "services.webdisk", "services.exim", "accounts.apache",
))
"""Apache and Exim are installed on the machine, and are none of this host's."""


def nginx(docroot: Path) -> None:
    """A website on port 80, and one with TLS by a certificate of nobody's, each in a file of an odd mode and owner."""
    for path in Path("/etc/nginx/sites-enabled").iterdir():
        path.unlink()
    pem, key = Path("/etc/ssl/shop.pem"), Path("/etc/ssl/shop.key")
    self_sign(pem, key, [f"shop.{DOMAIN}"])
    SITE.write_text(
        f"server {{ listen 80; server_name {DOMAIN} www.{DOMAIN}; root {docroot}; }}\n"
        f"server {{ listen 80; listen 443 ssl; server_name shop.{DOMAIN}; root {docroot};\n"
        f"  ssl_certificate {pem};\n  ssl_certificate_key {key}; }}\n"
    )
    SITE.chmod(0o640)
    os.chown(SITE, 0, 4)
    Path("/etc/nginx/sites-enabled", DOMAIN).symlink_to(SITE)
    start("nginx", ["nginx"], [80, 443])


def postfix() -> None:
    Path("/etc/postfix/master.cf").write_text(MASTER_CF)
    MAIN.write_text(MAIN_CF)
    settle()
    start("postfix", ["/usr/sbin/postfix", "start"], [25])


@pytest.fixture
def ca(package: None) -> pebble.Pebble:
    labels = ("@", "www", "mail", "shop", "www.shop", "mail.shop")
    bind.start_bind([Zone(DOMAIN, [(label, "A", PUBLIC_ADDRESS) for label in labels])])
    run("useradd", "--create-home", "alice")
    Path("/home/alice").chmod(0o711)
    docroot = Path("/home/alice/public_html")
    docroot.mkdir()
    (docroot / "index.html").write_text("alice\n")
    run("chown", "-R", "alice:alice", str(docroot))
    nginx(docroot)
    dovecot.start_dovecot()
    postfix()
    return pebble.start_pebble()


@inside
def test_after_a_check_all_of_etc_is_as_it_was_before_setup(ca: pebble.Pebble) -> None:
    before = everything("/etc", "/home")
    product = Product()
    product.instance.mkdir(0o711)
    (product.instance / "config.toml").write_text(f'[dns]\nresolvers = ["127.0.0.1"]\n{ELSEWHERE}')
    bundle = str(ca.bundle)
    found = product.run("setup", "--yes", "--json", "--directory", ca.directory, "--ca-bundle", bundle,
                        "--accept-terms", "--no-doctor").json()
    assert found["failed"] == []
    assert [one["title"] for one in found["found"]["services"]] == ["Dovecot", "NGINX", "Postfix"]
    settle()
    report = product.run("check", "--all", "--json", expected=(0, 1)).json()
    states = {site["website"]: {name: one["state"] for name, one in site["services"].items()}
              for site in report["websites"]}
    for website in (DOMAIN, f"shop.{DOMAIN}"):
        assert {states[website][name] for name in ("nginx", "dovecot", "postfix")} == {"installed"}, report
    rows = served.ask([served.Place("alice", DOMAIN, 443, "web"), served.Place("alice", f"shop.{DOMAIN}", 443, "web")],
                      ca.root())
    assert {row.issuer[:6] for row in rows} == {"Pebble"}
    now = everything("/etc")
    changed = {path for path in {*before, *now} if path.startswith("/etc") and before.get(path) != now.get(path)}
    assert {str(SITE), "/etc/nginx/nginx.conf", str(MAIN), "/etc/dovecot/conf.d/99-autossl.conf"} <= changed
    untouched = times(path for path in before if path not in changed)
    product.run("setup", "--undo")
    settle()
    assert everything("/etc", "/home") == before
    assert times(untouched) == untouched
    assert product.run("setup", "--undo").stdout.startswith("Nothing to take back.")
