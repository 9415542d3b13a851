"""A process that is killed with a value in a zone: the next one takes exactly that away, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.demo.accounts import ELSEWHERE, plain_website
from jobs.demo.daemons import apache, bind, pebble
from jobs.demo.daemons.starting import start, until
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import CODE, Product
from tests.jobs.zones.zone_bench import NS2, change, texts, use_backend

pytestmark = pytest.mark.e2e(timeout=120)

ZONE, OTHER = "killed.test", "other.test"
"""The website of the first one is at another server, and only by DNS can it be validated."""

OWNER, THEIRS = f"_acme-challenge.{ZONE}", "theirs"


@pytest.fixture(scope="module")
def product() -> Product:
    """The second server of the zone has it as it was, so that whoever puts a value waits for it."""
    here, there = ("@", "A", PUBLIC_ADDRESS), ("@", "A", ELSEWHERE)
    dns = bind.start_bind([bind.Zone(ZONE, [there, NS2], True), bind.Zone(OTHER, [here], True)])
    dns.second_server([ZONE])
    change(ZONE, f"update add {OWNER}. 300 TXT {THEIRS}")
    made = Product()
    made.make()
    use_backend(made, dns, ZONE, OTHER)
    return made


def kept(product: Product) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = product.run("dns", "records", "--json").json()["records"]
    return found


def kill_in_the_middle(product: Product, *words: str) -> str:
    """Run a command, and kill it as soon as its value is served; the value."""
    process = start("killed", product.command(*words), environment={"PYTHONPATH": str(CODE)}, directory=Path("/"))
    until("a value in the zone", lambda: len(texts(OWNER)) == 2, lambda: process.poll() is not None)
    process.kill()
    process.wait(10)
    (value,) = texts(OWNER) - {THEIRS}
    (row,) = kept(product)
    assert (row["name"], row["kind"], row["value"], row["purpose"]) == (OWNER, "TXT", value, "challenge")
    return value


def test_the_server_takes_away_at_its_start_what_a_dead_process_left(product: Product) -> None:
    kill_in_the_middle(product, "dns", "test", ZONE)
    with product.serving():
        until("the value is gone", lambda: texts(OWNER) == {THEIRS})
        until("the list is empty", lambda: kept(product) == [])
    assert texts(OWNER) == {THEIRS}


def test_the_next_check_takes_away_what_a_killed_one_left_whatever_it_is_of(product: Product) -> None:
    plain_website("killed", ZONE)
    plain_website("other", OTHER)
    apache.start_apache()
    product.run("setup")
    product.run("discover")
    product.run("dns", "assign", ZONE, "killed")
    product.use(pebble.start_pebble())
    value = kill_in_the_middle(product, "check", "--user", "killed")
    report = product.run("check", "--user", "other", "--json", expected=(0, 1)).json()
    assert (texts(OWNER), kept(product)) == ({THEIRS}, [])
    log = product.instance / "logs" / report["run"]
    said = [path.read_text() for path in log.iterdir() if path.suffix != ".json"]
    assert any(f"taken away, as nobody waits for it any more: {OWNER}. TXT {value}" in text for text in said)
