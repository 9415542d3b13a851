"""A backup is restored on a host whose panel has no root: by its own user, into the place that only root may change."""

from __future__ import annotations

import pwd
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.demo import served
from jobs.demo.product import INSTANCE
from jobs.demo.story import Bench, Told, found_server
from jobs.wiring.root_server import root_instance
from jobs.wiring.setup import setup
from tests.e2e.split_host import STATE, USER, SplitProduct, root_side
from tests.e2e.test_two_sides import owners

pytestmark = pytest.mark.e2e(timeout=240)

KEPT = Path("/root/kept.tar.gz")


@pytest.fixture(scope="module")
def bench() -> Bench:
    return found_server(Told(time.time(), quiet=True))


@pytest.fixture(scope="module", autouse=True)
def product(bench: Bench) -> Iterator[SplitProduct]:
    """Secured, kept, and then emptied of everything but what the root side has."""
    made = SplitProduct()
    made.make()
    with root_side():
        setup(root_instance(INSTANCE))
        made.use(bench.ca)
        made.run("check", "--all", expected=(0, 1))
        made.run("backup", str(KEPT))
        made.run("option", "set", "log_days", "7")
        yield made


def test_it_is_the_users_again_and_orders_nothing(bench: Bench, product: SplitProduct) -> None:
    before = bench.ca.issued()
    product.run("restore", str(KEPT), "--force")
    assert owners(INSTANCE) == {pwd.getpwnam(USER).pw_uid}
    assert product.run("option", "list", "--json").json()["log_days"] == 30
    product.run("check", "--all", expected=(0, 1))
    assert bench.ca.issued() == before
    rows = served.ask([one for one in served.places(bench.accounts) if one.port != 2087], bench.ca.root())
    assert [row.trouble for row in rows if row.trouble] == []


def test_nothing_that_was_made_on_the_way_is_left() -> None:
    assert sorted(path.name for path in INSTANCE.parent.glob(".autossl*")) == []
    assert owners(STATE) == {0}


def test_a_backup_full_of_links_leads_root_nowhere(product: SplitProduct) -> None:
    """The user of the panel has laid links to files of root's where a restore looks for what services read."""
    for path in INSTANCE.glob("tls/live/*/*/privkey.pem"):
        path.unlink()
        path.symlink_to("/etc/shadow")
    product.run("restore", str(KEPT), "--force")
    secret = Path("/etc/shadow").read_bytes()
    files = [path for path in INSTANCE.rglob("*") if path.is_file() and not path.is_symlink()]
    assert secret not in [path.read_bytes() for path in files]
    assert Path("/etc/shadow").stat().st_uid == 0
