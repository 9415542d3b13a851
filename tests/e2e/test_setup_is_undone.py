"""`autossl setup --undo` takes everything away that the product ever put outside its instance, byte for byte.

Of times only those of files that were never touched are the same: a file that was put back says when, for programs
which compare times (postmap, say) would take an older one for read already.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.demo import accounts, served
from jobs.demo.daemons.apache import reload_apache
from jobs.demo.daemons.bind import Zone
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import Product
from jobs.demo.story import Bench
from tests.e2e.files import everything, times

pytestmark = pytest.mark.e2e(timeout=240)

VHOSTS = Path("/etc/apache2/sites-available/bench-bob.test.conf")
SCRIPT = Path("/etc/apache2/autossl-http-01.lua")
MACROS = Path("/etc/exim4/exim4.conf.localmacros")


@pytest.fixture(scope="module")
def product(bench: Bench) -> Product:
    """With the CA in use. A file that will be changed has a mode and an owner of its own."""
    VHOSTS.chmod(0o640)
    os.chown(VHOSTS, 0, 4)
    made = Product()
    made.make()
    made.use(bench.ca)
    return made


@pytest.fixture
def put_back(bench: Bench, product: Product) -> Callable[[Callable[[], None]], str]:
    """Undo after `use`; returns what it said, once all is as it was."""

    def undo(use: Callable[[], None]) -> str:
        before = everything("/etc", "/home")
        product.run("setup")
        use()
        changed = {path for path, facts in everything("/etc").items() if before.get(path) != facts}
        untouched = times(set(before) - changed)
        said = product.run("setup", "--undo").stdout
        assert everything("/etc", "/home") == before
        assert times(untouched) == untouched
        reload_apache()
        return said

    return undo


def test_after_a_check_all_of_etc_is_as_it_was_before_setup(bench: Bench, product: Product) -> None:
    before = everything("/etc", "/home")
    product.run("setup")
    product.serve()  # its clock asks for a check at once, which would fail before the setup
    product.run("check", "--all", expected=(0, 1))
    rows = served.ask(served.places(bench.accounts), bench.ca.root())
    assert [row for row in rows if row.trouble] == []
    assert "tls/live/bob.test" in VHOSTS.read_text()  # the web disk's vhost was re-pointed at its very line
    assert everything("/home") == {path: facts for path, facts in before.items() if path.startswith("/home")}
    assert everything("/etc") != {path: facts for path, facts in before.items() if path.startswith("/etc")}
    said = product.run("setup", "--undo").stdout
    assert "AutoSSL is still on: the next check installs certificates again." in said
    assert everything("/etc", "/home") == before
    reload_apache()


def test_a_second_time_there_is_nothing_to_take_back(product: Product) -> None:
    before, stood = everything("/etc"), times(everything("/etc"))
    product.run("provider", "disable")
    answer = product.run("setup", "--undo")
    assert answer.stdout == "Nothing to take back.\n"
    assert (everything("/etc"), times(everything("/etc"))) == (before, stood)
    product.run("provider", "use", "pebble", "--accept-terms")


def test_what_would_be_taken_back_is_shown_and_nothing_is(product: Product) -> None:
    product.run("setup")
    before = everything("/etc")
    said = product.run("setup", "--undo", "--plan").stdout
    assert str(SCRIPT) in said and "would be taken back. Nothing was changed." in said
    assert everything("/etc") == before
    product.run("setup", "--undo")


def test_with_what_was_set_up_for_a_website_that_came_later(
    bench: Bench, product: Product, put_back: Callable[[Callable[[], None]], str]
) -> None:
    """The website stays: it is somebody's, not ours."""
    records = [(label, "A", PUBLIC_ADDRESS) for label in ("@", *accounts.LABELS, "new")]
    bench.dns.write(Zone("alice.test", records))
    accounts.plain_website("dave", "new.alice.test")
    reload_apache()

    def use() -> None:
        product.run("check", "--all", expected=(0, 1))
        files = Path("/etc/apache2/sites-enabled").glob("*new.alice.test*")
        assert len([path for path in files if "bench" not in path.name]) == 1  # its twin on port 443

    put_back(use)


def test_what_an_older_version_wrote_is_taken_back_as_well(
    product: Product, put_back: Callable[[Callable[[], None]], str]
) -> None:
    def use() -> None:
        older = SCRIPT.read_bytes() + b"-- as an older version had it\n"
        SCRIPT.write_bytes(older)
        with sqlite3.connect(product.instance / "panel.sqlite3") as rows:
            digest = hashlib.sha256(older).hexdigest()
            rows.execute("UPDATE setup_file SET written_sha256 = ? WHERE path = ?", (digest, str(SCRIPT)))
        product.run("setup")
        assert b"as an older version" not in SCRIPT.read_bytes()

    put_back(use)


def test_what_somebody_changed_since_is_left_and_told_and_the_rest_goes(product: Product) -> None:
    before = everything("/etc")
    product.run("setup")
    changed = MACROS.read_bytes() + b"# an administrator's own line\n"
    MACROS.write_bytes(changed)
    answer = product.run("setup", "--undo", expected=(1,))
    words = " ".join(answer.stdout.split())
    assert f"{MACROS}: changed by somebody since, so it is left as it is; before us: {product.instance}" in words
    now = everything("/etc")
    assert now.pop(str(MACROS))[-1] == changed  # type: ignore[index]
    former = before.pop(str(MACROS))
    assert now == before
    (backup,) = (product.instance / "backups").glob(f"*-{MACROS.name}")
    assert backup.read_bytes() == former[-1]  # type: ignore[index]
    MACROS.write_bytes(backup.read_bytes())  # by hand, as the words say
    assert product.run("setup", "--undo").stdout.startswith("service")
    assert everything("/etc") == {**before, str(MACROS): former}


def test_set_up_anew_after_all_of_that_it_serves_again(bench: Bench, product: Product) -> None:
    product.run("setup")
    product.run("check", "--all", expected=(0, 1))
    rows = served.ask(served.places(bench.accounts), bench.ca.root())
    assert [row for row in rows if row.trouble] == []
