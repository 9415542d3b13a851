"""Inside a private host: one whole check of many accounts on every service, as the first one of a new installation.

`python -m tests.bench.checking ACCOUNTS FD` prepares the host as the demo does, runs `autossl check --all` as a process
of its own, asks every service what it presents, runs the check once more (nothing is due then), and writes what it
found to FD.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jobs.demo import accounts as demo_accounts
from jobs.demo import served
from jobs.demo.accounts import DemoAccount
from jobs.demo.daemons import apache, bind, dovecot, exim
from jobs.demo.daemons.pebble import Pebble
from jobs.demo.daemons.starting import LOGS
from jobs.demo.product import CODE, Product
from tests.bench.pebble import answers, start_bench_pebble
from tests.bench.spent import Commands, of_daemon

DAEMONS = ("apache2", "dovecot", "exim4", "named", "pebble")


@dataclass(frozen=True)
class Checked:
    """Seconds of the wall and of the CPU, MB at the highest, seconds by step, CPU seconds of each daemon. `issued`:
    certificates of the CA."""

    wall: float
    cpu: float
    memory: float
    steps: dict[str, float]
    daemons: dict[str, float]
    issued: int


def prepare(count: int) -> tuple[Sequence[DemoAccount], Pebble, Product]:
    """Accounts with a website, a mail domain and a web disk each; every daemon; the product before its first check."""
    wanted = [DemoAccount(f"user{number}", f"user{number}.test", "nothing") for number in range(count)]
    bind.start_bind(demo_accounts.zones(wanted))
    ca = start_bench_pebble()
    accounts = demo_accounts.make(wanted)
    apache.start_apache(ports=(80, 443, apache.WEB_DISK))
    dovecot.start_dovecot()
    exim.start_exim([account.domain for account in accounts])
    product = Product()
    product.make()
    product.run("setup")
    product.run("discover")  # before there is a provider: else the panel's own process would begin with a check
    product.use(ca)
    product.serve()
    return accounts, ca, product


def checked(product: Product, ca: Pebble) -> Checked:
    """`autossl check --all`, as a new process."""
    commands, before = Commands(LOGS / "commands.log"), ca.issued()
    daemons = {name: of_daemon(name)[0] for name in DAEMONS}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sink:
        words = ["--instance", str(product.instance), "check", "--all"]
        command = [sys.executable, "-m", "tests.bench.stepped_check", str(sink.fileno()), *words]
        began = time.monotonic()
        with commands.memory_read():
            commands.run(command, {"PYTHONPATH": str(CODE)}, [sink.fileno()])
        wall = time.monotonic() - began
        sink.seek(0)
        spent = {name: of_daemon(name)[0] - used for name, used in daemons.items()}
        return Checked(wall, commands.cpu, commands.memory, json.load(sink), spent, ca.issued() - before)


def main(words: Sequence[str]) -> None:
    count, sink = words
    accounts, ca, product = prepare(int(count))
    found: dict[str, Any] = {"names": sum(len(account.names) for account in accounts), "hung": False}
    try:
        first = checked(product, ca)
    except RuntimeError:
        found["hung"] = not answers(ca)
        if not found["hung"]:
            raise
    else:
        rows = served.ask(served.places(accounts), ca.root())
        found["wrong"] = [f"{row.place.name} {row.place.port}: {row.trouble}" for row in rows if row.trouble]
        found |= {"asked": len(rows), "first": asdict(first), "again": asdict(checked(product, ca))}
    with os.fdopen(int(sink), "w", encoding="utf-8") as out:
        json.dump(found, out)


if __name__ == "__main__":
    main(sys.argv[1:])
