"""`autossl setup --undo` takes everything away that the product ever put outside its instance, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.demo import served
from jobs.demo.daemons.apache import reload_apache
from jobs.demo.product import Product
from jobs.demo.story import Bench

pytestmark = pytest.mark.e2e(timeout=120)


def everything(*tops: str) -> dict[str, object]:
    """Every file below `tops`: mode and owner, and what it holds or where it links to."""
    found: dict[str, object] = {}
    for top in tops:
        for folder, _, files in os.walk(top):
            for path in [Path(folder), *(Path(folder, name) for name in files)]:
                facts = path.lstat()
                link, file = path.is_symlink(), path.is_file()
                content = os.readlink(path) if link else path.read_bytes() if file else b""
                found[str(path)] = (oct(facts.st_mode), facts.st_uid, facts.st_gid, content)
    return found


def test_after_a_check_all_of_etc_is_as_it_was_before_setup(bench: Bench) -> None:
    before = everything("/etc", "/home")
    product = Product()
    product.make()
    product.use(bench.ca)
    product.run("setup")
    product.serve()  # its clock asks for a check at once, which would fail before the setup
    product.run("check", "--all", expected=(0, 1))
    rows = served.ask(served.places(bench.accounts), bench.ca.root())
    assert [row for row in rows if row.trouble] == []
    assert everything("/home") == {path: facts for path, facts in before.items() if path.startswith("/home")}
    assert everything("/etc") != {path: facts for path, facts in before.items() if path.startswith("/etc")}
    product.run("setup", "--undo")
    assert everything("/etc", "/home") == before
    reload_apache()
