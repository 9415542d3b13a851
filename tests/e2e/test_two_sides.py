"""A host on which the panel has no root: the whole of a check, with one process of root's beside it that is asked."""

from __future__ import annotations

import json
import pwd
import stat
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jobs.demo import served
from jobs.demo.product import INSTANCE
from jobs.demo.story import Bench, Told, found_server
from tests.e2e.split_host import STATE, USER, SplitProduct, root_side

pytestmark = pytest.mark.e2e(timeout=240)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return found_server(Told(time.time(), quiet=True))


@pytest.fixture(scope="module")
def product(bench: Bench) -> Iterator[SplitProduct]:
    made = SplitProduct()
    made.prepare()
    ca = ["--directory", bench.ca.directory, "--ca-bundle", str(bench.ca.bundle), "--contact", "anna@bench.test"]
    with root_side():
        made.run("setup", "--yes", "--admin", "anna", "--hostname", "panel.bench.test", "--accept-terms", *ca,
                 expected=(0, 1))
        with made.serving():
            yield made


@pytest.fixture(scope="module", autouse=True)
def first(product: SplitProduct) -> dict[str, Any]:
    report: dict[str, Any] = product.run("check", "--all", "--json", expected=(0, 1)).json()
    return report


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def test_every_service_of_every_account_is_trusted(bench: Bench, first: dict[str, Any]) -> None:
    rows = served.ask(served.places(bench.accounts), bench.ca.root())
    assert [(row.place, row.trouble) for row in rows if row.trouble] == []


def test_no_process_but_the_root_side_runs_as_root() -> None:
    mine = pwd.getpwnam(USER).pw_uid
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # one that has ended since it was listed
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"panel.cli" in words:
                found[words[-2].decode()] = entry.stat().st_uid
    assert found == {"root": 0, "0.0.0.0:2087": mine}


def test_the_directory_of_each_side_is_its_own_alone() -> None:
    assert owners(INSTANCE) == {pwd.getpwnam(USER).pw_uid}
    assert owners(STATE) == {0}


def test_what_services_read_lies_where_only_root_may_write() -> None:
    for folder in ("apache2", "dovecot"):
        text = b"".join(path.read_bytes() for path in Path("/etc", folder).rglob("*") if path.is_file())
        assert str(STATE / "tls/live").encode() in text
        assert str(INSTANCE / "tls").encode() not in text


def test_another_check_orders_nothing(bench: Bench, product: SplitProduct) -> None:
    before = bench.ca.issued()
    report = product.run("check", "--all", "--json", expected=(0, 1)).json()
    assert {site["decision"] for site in report["websites"]} == {"keep"}
    assert bench.ca.issued() == before


def test_a_key_is_read_by_nobody_else() -> None:
    keys = [*STATE.glob("tls/live/*/*/privkey.pem"), *INSTANCE.glob("tls/live/*/*/privkey.pem")]
    assert keys
    for key in keys:
        assert stat.S_IMODE(key.stat().st_mode) & 0o037 == 0


def test_a_program_that_needs_more_rights_than_the_service_has_is_told_by_the_doctor(product: SplitProduct) -> None:
    product.run("plugin", "set", "sendmail", "enabled=yes")
    confined = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs"]
    words = [*confined, *product.command("doctor", "--json")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    product.run("plugin", "set", "sendmail", "enabled=no")
    found = {one["check"]: one["results"] for one in json.loads(ended.stdout)["checks"]}
    assert "NoNewPrivileges" in found["mail"][0]["text"]
    assert "smtp" in found["mail"][0]["text"]


def test_the_doctor_asks_the_root_side_for_what_it_can_not_see(product: SplitProduct) -> None:
    found = {one["check"]: one for one in product.run("doctor", "--json", expected=(0, 1)).json()["checks"]}
    assert {one["subject"] for one in found["services"]["results"]} >= {"apache", "dovecot", "exim", "panel"}
    assert found["services"]["state"] == "fine"
    assert found["set_up"]["state"] == "fine", found["set_up"]


def test_root_keeps_a_backup_that_the_owner_made(product: SplitProduct) -> None:
    kept = Path("/root/kept.tar.gz")
    product.run("backup", str(kept))
    facts = kept.stat()
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (0, 0o600)
    with tarfile.open(kept) as tar:
        assert "panel.sqlite3" in tar.getnames()
    assert [path.name for path in Path("/root").glob(".autossl-*")] == []
    assert owners(INSTANCE) == {pwd.getpwnam(USER).pw_uid}


def test_the_set_up_is_undone_by_root_and_its_audit_entry_is_the_owners(product: SplitProduct) -> None:
    product.run("provider", "disable")
    done = product.run("setup", "--undo", "--json").json()
    assert done["changes"] and not done["failed"] and not done["still_on"]
    for folder in ("apache2", "dovecot", "exim4"):
        text = b"".join(path.read_bytes() for path in Path("/etc", folder).rglob("*") if path.is_file())
        assert str(STATE).encode() not in text
    assert owners(INSTANCE) == {pwd.getpwnam(USER).pw_uid}
    assert "setup" in [entry["action"] for entry in product.run("audit", "list", "--json").json()["entries"]][:3]
