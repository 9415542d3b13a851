"""A host is upgraded from one version to the next while orders are under way: each is gone on with, and made only once.

The versions differ by one migration each: those of today are version 0, and each test upgrades to the next one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from jobs.crash_points import EXIT_CODE, VARIABLE
from jobs.demo.daemons.pebble import Behaviour
from jobs.demo.daemons.starting import until
from jobs.demo.product import CODE, Product
from tests import later_version
from tests.crash_host import HERE, THERE, CrashHost, make
from tests.e2e.faults import full, own_disk, read_only

pytestmark = pytest.mark.e2e(timeout=400)

SLOW = Behaviour(environment={"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "2"})
"""A CA that takes up to two seconds to look at a challenge."""

FILLS = """
def up(migrator, db):
    db.execute_sql('CREATE TABLE "large" ("content" BLOB)')
    for number in range(200):
        db.execute_sql('INSERT INTO "large" VALUES (zeroblob(1000000))')
"""


@dataclass(frozen=True)
class Version(Product):
    """The program of one version."""

    migrations: Path = Path()
    number: str = ""

    def command(self, *words: str) -> list[str]:
        said = [f"{later_version.MIGRATIONS}={self.migrations}", f"{later_version.VERSION}={self.number}"]
        program = [sys.executable, "-m", "tests.later_version", "--instance", str(self.instance), *words]
        return ["/usr/bin/env", *said, *program]


@dataclass
class Upgrades:
    """`former` and `later`: the same host with the program of either version."""

    host: CrashHost
    folder: Path
    sources: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.former = self.later = self._version()

    def step(self) -> None:
        """Whatever was later is the former now; that is where the host stands."""
        number = len(self.sources) + 1
        source = f"""def up(migrator, db):
    db.execute_sql('CREATE TABLE "later_{number}" ("text" TEXT)')
    db.execute_sql('ALTER TABLE "queue_entry" ADD COLUMN "later_{number}" TEXT NOT NULL DEFAULT "x"')
"""
        self.sources[f"_9{number:03}_later"] = source
        self.former, self.later = self.later, self._version()

    def failing(self, source: str) -> CrashHost:
        """A version after the later one, which is none that anybody should have."""
        return self._version(_9999_fails=source)

    def _version(self, **more: str) -> CrashHost:
        number = f"9.{len(self.sources)}.{len(more)}"
        directory = later_version.migrations(self.folder / number, **self.sources, **more)
        return replace(self.host, product=Version(migrations=directory, number=number))


@pytest.fixture(scope="module")
def upgrades() -> Iterator[Upgrades]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Upgrades(make(SLOW), Path(folder))


@pytest.fixture
def two(upgrades: Upgrades) -> Upgrades:
    upgrades.step()
    return upgrades


@dataclass(frozen=True)
class Began:
    name: str
    ordered: int
    issued: int
    order: dict[str, str]


def began(host: CrashHost, point: str) -> Began:
    """A check of the former version that dies there, with an order at the CA."""
    name, ordered, issued = host.alias(), host.ca.ordered(), host.ca.issued()
    assert host.dies(point), point
    (order,) = [row for row in host.active() if row["kind"] == "order"]
    assert order["order_url"] and host.ca.ordered() - ordered == 1
    return Began(name, ordered, issued, order)


def finished(host: CrashHost, before: Began) -> None:
    """By this version: that very order, once, and everything is served."""
    host.check(THERE)  # a server may have asked for that
    assert (host.ca.ordered() - before.ordered, host.ca.issued() - before.issued) == (1, 1)
    (row,) = host.rows(f"SELECT * FROM queue_entry WHERE id = {before.order['id']}")
    assert (row["state"], row["order_url"], row["requested_at"]) == (
        "done", before.order["order_url"], before.order["requested_at"])
    assert host.troubles(HERE, before.name) == [] and host.left() == []


@pytest.mark.parametrize("point", ["after store order URL", "after finalize", "after stage bundle"])
def test_an_order_of_a_check_that_died_is_gone_on_with_by_the_later_version(two: Upgrades, point: str) -> None:
    before = began(two.former, point)
    said = two.later.product.run("check", "--user", HERE.partition(".")[0])
    assert "brought up from version" in said.stderr
    finished(two.later, before)


def test_an_order_of_a_server_that_is_killed_is_gone_on_with_by_the_later_server(two: Upgrades) -> None:
    before = began(two.former, "after store order URL")
    words = two.former.product.command("serve", "--single", "--bind", "127.0.0.1:2087")
    environment = {**os.environ, "PYTHONPATH": str(CODE), VARIABLE: "after answer challenge"}
    ended = subprocess.run(words, env=environment, cwd="/", capture_output=True, timeout=60, check=False)
    assert ended.returncode == EXIT_CODE, ended.stderr
    assert two.former.troubles(HERE) == []
    with two.later.product.serving():
        until("it is done", lambda: two.later.active() == [])
    finished(two.later, before)


def test_a_server_is_stopped_in_the_middle_of_an_order_and_upgraded_as_a_package_does_it(two: Upgrades) -> None:
    """While it runs, no command of the later version touches anything; after its end, the later one does the rest."""
    before = began(two.former, "after store order URL")
    server = two.former.product.serve()
    until("it has the order", lambda: any(row["owner"] and row["kind"] == "order" for row in two.former.active()))
    refused = two.later.product.run("status", "--json", expected=(2,))
    assert refused.json()["error"]["code"] == "upgrade_held"
    server.send_signal(signal.SIGTERM)
    assert server.wait(60) == 0
    with two.later.product.serving():
        until("it is done", lambda: two.later.active() == [])
    finished(two.later, before)
    refused = two.former.product.run("status", "--json", expected=(2,))
    assert refused.json()["error"]["code"] == "instance_newer"


def test_a_server_waits_for_a_check_of_the_former_version_and_then_upgrades(two: Upgrades) -> None:
    name = two.former.alias()
    check = two.former.start("check", "--user", HERE.partition(".")[0])
    until("it works", lambda: any(row["order_url"] for row in two.former.active()))
    with two.later.product.serving():
        out, err = check.communicate(timeout=60)
        assert check.returncode == 0, out + err
        assert two.later.troubles(HERE, name) == []
    assert two.former.product.run("status", expected=(2,)).stderr.startswith("autossl: ")


def test_a_full_disk_or_one_that_is_read_only_stops_an_upgrade_before_it_begins(two: Upgrades) -> None:
    instance, words = two.later.product.instance, ("account", "list", "--json")
    accounts = two.former.product.run(*words).json()
    with full(instance):
        refused = two.later.product.run(*words, expected=(1,))
        assert refused.json()["error"]["code"] == "no_room" and "Traceback" not in refused.stderr
    with read_only(instance):
        refused = two.later.product.run(*words, expected=(2,))
        assert refused.json()["error"]["code"] == "instance_not_writable"
    assert two.former.product.run(*words).json() == accounts
    assert two.later.product.run(*words).json() == accounts


def test_a_disk_that_fills_in_the_middle_of_an_upgrade_leaves_everything_as_it_was(two: Upgrades) -> None:
    instance, words = two.later.product.instance, ("account", "list", "--json")
    accounts = two.later.product.run(*words).json()
    with own_disk(instance, room=100_000):
        refused = two.failing(FILLS).product.run(*words, expected=(1,))
        assert refused.json()["error"]["code"] == "no_room" and "disk is full" in refused.stderr
        assert "Everything is as it was before" in refused.stderr
        assert two.later.product.run(*words).json() == accounts
    assert two.later.troubles(HERE) == []


def test_the_copy_leads_back_to_the_former_version_which_keeps_newer_certificates(two: Upgrades) -> None:
    folder = two.later.product.instance / "backups" / "db"
    two.later.product.run("account", "list")
    copy = max(folder.glob("before-9*"), key=lambda path: path.name.rpartition("-")[2])
    assert f"-of-{two.former.product.number}-" in copy.name  # type: ignore[attr-defined]
    name, issued = two.later.alias(), two.later.ca.issued()
    two.later.check()
    said = two.former.product.run("restore", "--force", str(copy), "--json").json()
    assert said["adopted"] == [HERE] and said["migrated"] == []
    two.former.check()
    assert two.former.ca.issued() - issued == 1 and two.former.troubles(HERE, name) == []
