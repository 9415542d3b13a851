"""A private host on which the product is killed: two websites with certificates, real daemons, and a CA that counts.

A website gets work by another alias: its names change, so that a new certificate is ordered while the former one is
served everywhere. `killed` is served here and validated by http-01; `elsewhere` is at another server, and validated by
DNS alone.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs import crash_points, queue
from jobs.demo.accounts import ELSEWHERE, add_user
from jobs.demo.daemons import apache, bind, dovecot, exim, pebble
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import CODE, Product
from jobs.wiring.setup import LOCK
from tests.jobs.zones.zone_bench import texts, use_backend

HERE, THERE = "killed.test", "elsewhere.test"
EXIM = 465
PORTS = (443, 993, EXIM)
"""Of Apache, Dovecot and Exim, TLS from the first byte."""

REREADS_WITHIN = 3.0
"""Seconds. On SIGHUP Exim runs itself anew, and for a moment listens nowhere; a mail client asks again."""

ALIASES = 400
USUAL_CA = pebble.Behaviour()

UNKNOWN_ORDER = frozenset({"after send newOrder", "before store order URL"})
"""The CA has made an order and nobody has kept its address. No CA can be asked for it: RFC 8555 leaves the list of an
account's orders optional, and next to none has it. So another one is made (Let's Encrypt answers with the one that it
has), and only one of them ever gets a certificate."""


@dataclass
class CrashHost:
    """`reload` takes over what `alias` has changed."""

    product: Product
    ca: pebble.Pebble
    docroots: dict[str, Path]
    aliases: dict[str, int] = field(default_factory=lambda: {HERE: 0, THERE: 0})

    def alias(self, website: str = HERE) -> str:
        """Give a website another name in the place of the former one; that name."""
        self.aliases[website] += 1
        name = f"n{self.aliases[website]}.{website}"
        apache.add_vhosts(website, apache.plain_vhost(self.docroots[website], website, name))
        apache.reload_apache()
        return name

    def dies(self, point: str, website: str = HERE) -> bool:
        """`autossl check` of one website in a process of its own: whether it died at that point. Else it came to its
        end without a failure."""
        ended = subprocess.run(
            self.product.command(*_check(website)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd="/", timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": str(CODE), crash_points.VARIABLE: point},
        )
        if ended.returncode not in (0, crash_points.EXIT_CODE if point else 0):
            raise AssertionError(f"{point or 'no crash'}: exit {ended.returncode}\n{ended.stdout}")
        return ended.returncode != 0

    def check(self, website: str = HERE) -> None:
        self.dies("", website)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that is not waited for."""
        return subprocess.Popen(
            self.product.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd="/", env={**os.environ, "PYTHONPATH": str(CODE)},
        )

    def is_at_the_lock(self, process: subprocess.Popen[str]) -> bool:
        """Whether it has, or waits for, the right to perform a check."""
        opened = set()
        for path in Path(f"/proc/{process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                opened.add(path.readlink())
        return self.product.instance / LOCK in opened

    @contextmanager
    def work_lock(self) -> Iterator[None]:
        """Nobody performs a check meanwhile."""
        with queue.instance_lock(self.product.instance / LOCK, lambda: None, give_up=lambda: True) as ours:
            assert ours
            yield

    def troubles(self, *names: str) -> list[str]:
        """What is wrong with what the services present for these names now, by handshakes that trust only the CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.ca.root())
        places = [(name, port) for name in names for port in PORTS]
        with ThreadPoolExecutor(len(places)) as pool:
            found = pool.map(lambda place: _trouble(context, *place), places)
        return [one for one in found if one]

    def left(self) -> list[str]:
        """What a process that died has left and that nobody may find later."""
        instance = self.product.instance
        found = [*(instance / "challenges").iterdir(), *(instance / "keys" / "orders").iterdir()]
        found += [*(instance / "tls" / "live").glob("*/.*"), *(instance / "backups").glob("unfinished-*")]
        for folder in ("apache2", "dovecot", "exim4"):
            found += Path("/etc", folder).rglob(".*.autossl")
        records = [value for name in self.aliases for value in texts(f"_acme-challenge.{name}")]
        kept = self.rows("SELECT * FROM dns_record WHERE purpose = 'challenge'")
        runs = self.rows("SELECT * FROM run WHERE finished_at IS NULL")
        return [*map(str, found), *records, *map(str, kept), *map(str, self.active()), *map(str, runs)]

    def refusals(self) -> list[str]:
        """Daemons that would not start with the configuration that they have now, and why."""
        tests = (["apache2ctl", "-t"], ["doveconf", "-x", "-n"], ["exim4", "-bV"])
        ended = [subprocess.run(one, capture_output=True, text=True, check=False) for one in tests]
        return [f"{one.args}: {one.stderr}" for one in ended if one.returncode != 0]

    def active(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM queue_entry WHERE state IN ('queued', 'running', 'waiting')")

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What the database says; the product's own commands would take half a second each."""
        with closing(sqlite3.connect(f"file:{self.product.instance}/panel.sqlite3?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query)]


def make(ca_like: pebble.Behaviour = USUAL_CA) -> CrashHost:
    """Start everything, and secure both websites."""
    here, there = ("@", "A", PUBLIC_ADDRESS), ("@", "A", ELSEWHERE)
    more = [f"n{number}" for number in range(1, ALIASES)]
    dns = bind.start_bind([
        bind.Zone(HERE, [here, *((name, "A", PUBLIC_ADDRESS) for name in more)], True),
        bind.Zone(THERE, [there, *((name, "A", ELSEWHERE) for name in more)], True),
    ])
    ca = pebble.start_pebble(ca_like)
    docroots = {name: add_user(name.partition(".")[0]) for name in (HERE, THERE)}
    for name, docroot in docroots.items():
        apache.add_vhosts(name, apache.plain_vhost(docroot, name))
    apache.start_apache()
    dovecot.start_dovecot()
    exim.start_exim([HERE, THERE])
    product = Product()
    product.make()
    with (product.instance / "config.toml").open("a") as config:
        config.write("\n[check]\nservice_names = []\n")
    use_backend(product, dns, HERE, THERE)
    product.run("setup")
    product.run("discover")
    product.run("dns", "assign", THERE, THERE.partition(".")[0])
    product.use(ca)
    made = CrashHost(product, ca, docroots)
    product.run("check", "--all")
    troubles = made.troubles(HERE, THERE)
    assert not troubles, troubles
    return made


def edges_of(steps: Iterable[str]) -> list[str]:
    return [f"{edge} {step}" for step in steps for edge in ("before", "after")]


def _check(website: str) -> tuple[str, ...]:
    return ("check", "--user", website.partition(".")[0])


def _trouble(context: ssl.SSLContext, name: str, port: int) -> str:
    """By the address: to a website that is elsewhere no name leads."""
    until = time.monotonic() + REREADS_WITHIN
    while True:
        try:
            with socket.create_connection((PUBLIC_ADDRESS, port), 10) as raw:
                context.wrap_socket(raw, server_hostname=name).close()
        except ConnectionRefusedError as error:
            if port != EXIM or time.monotonic() > until:
                return f"{name}:{port}: {error}"
            time.sleep(0.02)
        except OSError as error:
            return f"{name}:{port}: {error}"
        else:
            return ""
