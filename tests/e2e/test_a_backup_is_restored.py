"""A whole server from its backup: made while everything runs, put back, and not one certificate is ordered for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jobs.demo import accounts, served
from jobs.demo.daemons import apache, bind
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import Product
from jobs.demo.served import Place
from jobs.demo.story import Bench

pytestmark = pytest.mark.e2e(timeout=180)

FILE = Path("/root/backup.tar.gz")
LATER = "later.alice.test"


@pytest.fixture(scope="module")
def product(bench: Bench) -> Product:
    """Without a server: one that runs keeps a restore from beginning."""
    made = Product()
    made.make()
    made.run("setup")
    made.use(bench.ca)
    made.run("check", "--all", expected=(0, 1))
    return made


def troubles(bench: Bench) -> list[Any]:
    places = [place for place in served.places(bench.accounts) if place.service != "panel"]
    return [row for row in served.ask(places, bench.ca.root()) if row.trouble]


def outcomes(product: Product) -> dict[str, str]:
    report = product.run("check", "--all", "--json", expected=(0, 1)).json()
    return {site["website"]: site["outcome"] for site in report["websites"]}


def one_more_website(bench: Bench) -> None:
    alice = next(one for one in bench.accounts if one.user == "alice")
    zone = next(zone for zone in accounts.zones([alice]))
    bench.dns.write(bind.Zone(zone.name, [*zone.records, (LATER.partition(".")[0], "A", PUBLIC_ADDRESS)]))
    apache.add_vhosts(LATER, apache.plain_vhost(alice.docroot, LATER))
    apache.reload_apache()


def test_a_backup_is_made_while_the_server_runs_and_a_restore_refuses_to_begin_then(
    bench: Bench, product: Product
) -> None:
    assert troubles(bench) == []
    with product.serving():
        made = product.run("backup", str(FILE), "--json").json()
        refused = product.run("restore", "--force", str(FILE), expected=(2,))
    assert made["keys"] and made["left_out"] == []
    assert FILE.stat().st_mode & 0o777 == 0o600
    assert "stop that one first" in refused.stderr


def test_what_is_there_is_put_aside_only_when_that_is_said(product: Product) -> None:
    refused = product.run("restore", str(FILE), expected=(2,))
    assert "--force" in refused.stderr
    assert [*product.instance.parent.glob(".autossl.*"), *product.instance.parent.glob("autossl.*")] == []


def test_over_a_newer_installation_nothing_is_ordered_and_nothing_that_came_later_is_lost(
    bench: Bench, product: Product
) -> None:
    one_more_website(bench)
    assert outcomes(product)[LATER] == "installed"
    before = bench.ca.issued()
    told = product.run("restore", "--force", str(FILE), "--json").json()
    assert Path(told["former"], "panel.sqlite3").exists()
    assert f"tls/live/{LATER}/apache" in told["taken_over"] and told["adopted"] == [LATER]
    assert (told["stand_ins"], told["ordered_anew"]) == ([], [])
    assert set(outcomes(product).values()) <= {"kept", "installed"}
    assert bench.ca.issued() == before
    apache.reload_apache()
    assert troubles(bench) == []


def test_after_the_loss_of_everything_only_what_the_backup_never_had_is_ordered(bench: Bench, product: Product) -> None:
    shutil.rmtree(product.instance)
    before = bench.ca.issued()
    told = product.run("restore", str(FILE), "--json").json()
    assert (told["former"], told["stand_ins"], told["ordered_anew"]) == (None, [LATER], [])
    subprocess.run(["apache2ctl", "configtest"], check=True)  # else it would not start any more, for any website
    found = outcomes(product)
    assert found.pop(LATER) == "installed" and set(found.values()) == {"kept"}
    assert bench.ca.issued() == before + 1
    assert troubles(bench) == []
    later = served.ask([Place("alice", LATER, 443, "website")], bench.ca.root())
    assert [row.trouble for row in later] == [""]


def test_without_its_keys_every_website_gets_a_new_certificate(bench: Bench, product: Product) -> None:
    bare = FILE.with_name("bare.tar.gz")
    product.run("backup", "--without-keys", str(bare))
    shutil.rmtree(product.instance)
    told = product.run("restore", str(bare), "--json").json()
    assert set(told["ordered_anew"]) == set(told["stand_ins"]) >= {"alice.test", "bob.test", "carol.test", LATER}
    subprocess.run(["apache2ctl", "configtest"], check=True)
    product.run("provider", "reset", "pebble")
    before = bench.ca.issued()
    assert set(outcomes(product).values()) == {"installed"}
    assert bench.ca.issued() == before + len(told["ordered_anew"])
    assert troubles(bench) == []
