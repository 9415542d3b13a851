"""The first minutes on a server that knows nothing of the product: one command, by flags or at a terminal, then a check
that secures it."""

from __future__ import annotations

import os
import re
import ssl
import urllib.error
import urllib.request

import pytest

from jobs.demo import served
from jobs.demo.product import CODE, INSTANCE, Product
from jobs.demo.story import Bench
from tests.e2e.files import everything
from tests.e2e.terminal import CONTROL_C, typed

pytestmark = pytest.mark.e2e(timeout=240)

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CODE), "AUTOSSL_INSTANCE": str(INSTANCE)}


@pytest.fixture(scope="module")
def product() -> Product:
    return Product()


def own_ca(bench: Bench) -> list[str]:
    return ["--directory", "https://127.0.0.1:14000/dir", "--ca-bundle", str(bench.ca.bundle), "--accept-terms"]


def get(url: str) -> int:
    """The status of a page of the panel, which presents a certificate of its own yet."""
    address = url.replace("panel.bench.test", "127.0.0.1", 1)
    request = urllib.request.Request(address, headers={"Host": "panel.bench.test:2087"})
    try:
        with urllib.request.urlopen(request, timeout=10, context=ssl._create_unverified_context()) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_plan_touches_nothing(bench: Bench, product: Product) -> None:
    before = everything("/etc", "/home")
    said = product.run("setup", "--plan").stdout
    assert re.search(r"Found on this host: Apache \(3 websites\), Dovecot, Exim.*Web Disk; 3 accounts\.", said)
    assert "apache: /etc/apache2/autossl-http-01.lua" in said and "+function answer(r)" in said
    assert "- make the installation /var/lib/autossl" in said
    assert everything("/etc", "/home") == before
    assert not INSTANCE.exists()


def test_stopped_by_a_person_it_goes_on_and_ends_with_the_panels_address(bench: Bench, product: Product) -> None:
    before = everything("/etc", "/home")
    command = product.command("setup")
    stopped = typed(command, [("Go on? y, n, or s to show every line first [y]:", "\n"), ("name [admin]:", CONTROL_C)],
                    ENVIRONMENT)
    assert stopped.code == 1
    kept = "Done before that, and kept: the installation /var/lib/autossl, the services' files."
    assert f"{kept} `autossl setup` goes on from there." in stopped.text
    assert stopped.text.endswith("autossl: stopped\n")
    whole = typed(command, [
        ("name [admin]:", "anna\n"), ("opened [panel.bench.test]:", "\n"), ("Which one [1]:", "3\n"),
        ("URL of an ACME directory [1]:", f"{bench.ca.directory}\n"), ("trusts it:", f"{bench.ca.bundle}\n"),
        ("Enter for none:", "anna@bench.test\n"), ("do you agree? [y/N]:", "y\n"),
    ], ENVIRONMENT)
    assert whole.code == 0, whole.text
    assert "The services need nothing written now." in whole.text
    assert "Registered at private-ca; AutoSSL uses it now." in whole.text
    assert "The panel: https://panel.bench.test:2087/\n" in whole.text
    assert "  autossl check --all --plan\n" in whole.text
    assert "wrong" not in whole.text, whole.text
    product.run("setup", "--undo")
    assert everything("/etc", "/home") == before
    os.rename(INSTANCE, "/var/lib/autossl.before")


def test_one_command_by_flags_then_a_check_and_everything_is_served(bench: Bench, product: Product) -> None:
    flags = ["--yes", "--admin", "anna", "--contact", "anna@bench.test", *own_ca(bench)]
    found = product.run("setup", *flags, "--json").json()
    assert found["failed"] == [] and found["instance"]["created"] is True
    start = "autossl serve --single"
    assert found["panel"] == {"address": "https://panel.bench.test:2087/", "serving": False, "start": start}
    wrong = [one for check in found["doctor"]["checks"] if check["check"] != "next_run" for one in check["results"]
             if one["state"] == "wrong"]
    assert wrong == []
    product.run("check", "--all", expected=(0, 1))
    rows = served.ask(served.places(bench.accounts), bench.ca.root())
    troubles = [row for row in rows if row.trouble and row.place.port != 2087]
    assert rows and troubles == []
    with product.serving():
        assert get(found["link"]) == 200
        assert get(f"{found['link'][:-1]}{'A' if found['link'][-1] != 'A' else 'B'}") == 404
        again = product.run("setup", *flags, "--json").json()
    assert again["changes"] == [] and again["panel"]["serving"] is True and "link" not in again
    assert again["instance"]["created"] is False


def test_what_is_secret_is_for_root_only(product: Product) -> None:
    opened = [str(path) for path in [INSTANCE / "panel.sqlite3", *(INSTANCE / "keys").rglob("*")]
             if path.stat().st_mode & 0o077]
    assert opened == []


def test_then_undo_gives_back_etc_and_says_that_the_ca_stays_on(bench: Bench, product: Product) -> None:
    said = product.run("setup", "--undo").stdout
    assert "AutoSSL is still on: the next check installs certificates again." in said
    left = [path for path, facts in everything("/etc").items() if "AutoSSL" in str(facts)]
    assert left == []
