"""An installation on a disk that really is full: a sentence that says so, and everything there again afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.demo.product import Answer, Product

pytestmark = pytest.mark.e2e(timeout=60)

DISK = Path("/mnt")
NOWHERE = "binary = '/nowhere'\n"


@pytest.fixture
def small() -> Iterator[Product]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(DISK)], check=True)
    product = Product(DISK / "instance")
    product.run("init", "--admin", "root", "--password-file", "-", stdin="correct horse battery\n")
    (product.instance / "config.toml").write_text(f"[accounts.apache]\n{NOWHERE}[accounts.nginx]\n{NOWHERE}")
    yield product
    subprocess.run(["umount", "--lazy", str(DISK)], check=True)


def test_it_is_told_as_what_it_is_and_nothing_is_lost(small: Product) -> None:
    small.run("account", "add", "alice", "--name", "alice.test")
    fill = DISK / "fill"
    subprocess.run(["dd", "if=/dev/zero", f"of={fill}", "bs=4k"], check=False, capture_output=True)
    for words in (["account", "add", "bob", "--name", "bob.test"], ["option", "set", "log_days", "10"], ["status"]):
        answer: Answer = small.run(*words, expected=(1,))
        assert "its disk is full" in answer.stderr and "Traceback" not in answer.stderr
    fill.unlink()
    found = small.run("account", "list", "--json").json()["accounts"]
    assert [account["account"] for account in found] == ["alice"]
    assert small.run("option", "set", "log_days", "10", "--json").json()["log_days"] == 10
