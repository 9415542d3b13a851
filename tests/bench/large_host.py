"""Inside a private host: a server with many accounts, of which most have their certificates by their rows, and some
websites without any, which a check through the panel's own worker then issues as quickly as it can."""

from __future__ import annotations

import http.client
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import models
from jobs import queue
from jobs.demo.accounts import add_user
from jobs.demo.daemons import apache, bind
from jobs.demo.daemons.pebble import Pebble
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import PANEL_PORT, Product
from jobs.wiring.instance import now, open_instance
from tests.bench.at_rest import settled
from tests.bench.installation import ADMINISTRATOR, NAMES, filled, nothing_due
from tests.bench.pebble import start_bench_pebble
from tests.bench.visitors import AGENT
from tests.panel import seed
from tests.panel.browser import COOKIE, PASSWORD

ISSUING = "issuing"
"""The account whose websites have no certificate yet."""

_FIRST_USER = 20_000
_HOMES = Path("/home")
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_FORM = "application/x-www-form-urlencoded"
_STARTS_WITHIN = 60.0
ASKED_EVERY = 0.2
"""Seconds between two looks at the queue's row: they are of a process of the bench, and cost the server nothing."""


@dataclass(frozen=True)
class LargeHost:
    """`large`: the start of the run with the longest log."""

    product: Product
    ca: Pebble
    large: str


def prepare(accounts: int, websites: int) -> LargeHost:
    """A server with `accounts` that are at rest, and `websites` of one more account that need a certificate each."""
    ca = daemons(accounts, websites)
    product = Product()
    product.make()
    return LargeHost(product, ca, filled_product(product, ca, accounts))


def daemons(accounts: int, websites: int) -> Pebble:
    """Their users and vhosts, Apache, BIND and a CA."""
    mains = [f"site{number}.test" for number in range(websites)]
    _seeded_accounts(accounts)
    docroot = add_user(ISSUING)
    apache.add_vhosts(ISSUING, "".join(apache.plain_vhost(docroot, main) for main in mains))
    bind.start_bind([bind.Zone(main, [("@", "A", PUBLIC_ADDRESS)]) for main in mains])
    apache.start_apache()
    return start_bench_pebble()


def filled_product(product: Product, ca: Pebble, accounts: int) -> str:
    """Set a product up that was just made, and give it the rows of these accounts; the start of its largest run."""
    product.run("setup")
    product.use(ca)
    instance = open_instance(product.instance)
    with models.database.connection_context():
        seed.provider(current=False)
        large = filled(instance.place, accounts)
    owner = product.instance.stat()
    for path in product.instance.rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    product.run("discover")
    with models.database.connection_context():
        nothing_due()
    return large


def _seeded_accounts(count: int) -> None:
    """Users, document roots and vhosts of the accounts that `seed` makes rows of."""
    users, vhosts = [], []
    for number in range(count):
        name, uid = seed.account_name(number), _FIRST_USER + number
        users.append(f"{name}:x:{uid}:{uid}::/home/{name}:/usr/sbin/nologin\n")
        docroot = _HOMES / name / "htdocs"
        docroot.mkdir(parents=True)
        os.chown(docroot, uid, uid)
        vhosts.append(apache.plain_vhost(docroot, *seed.names_of(number, NAMES)))
    with Path("/etc/passwd").open("a", encoding="utf-8") as passwd:
        passwd.writelines(users)
    apache.add_vhosts("seeded", "".join(vhosts))


def begin_issuing() -> int:
    """Ask for a check of ISSUING, as the panel does; the server's worker finds the row. Its number."""
    with models.database.connection_context():
        return int(queue.request_check([ISSUING], True, now())[0].id)


def state_of(entry: int, reached: Callable[[models.QueueEntry], object], seconds: float) -> models.QueueEntry:
    """The row of the queue, as soon as it is as wished. Raises TimeoutError."""
    ends = time.monotonic() + seconds
    while True:
        with models.database.connection_context():
            row = models.QueueEntry.get_by_id(entry)
        if reached(row):
            return row
        if time.monotonic() > ends:
            raise TimeoutError(f"the check is {row.state} after {seconds:g} s: {row.answer}")
        time.sleep(ASKED_EVERY)


@contextmanager
def serving(product: Product, port: int = PANEL_PORT) -> Iterator[subprocess.Popen[bytes]]:
    """`autossl serve` in a process of its own, once it has done what it does at its start; ended with the block. What
    it says of its work goes to a file, and is told where the block fails: a pipe that nobody reads would stop it."""
    words = product.command(*product.serving_words, "--bind", f"127.0.0.1:{port}")
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, cwd=Path(__file__).parents[2]
        )
        try:
            assert process.stdout is not None
            process.stdout.readline()
            settled([process.pid])
            yield process
        except Exception:
            said.seek(0)
            sys.stderr.write(said.read()[-2000:].decode("utf-8", "replace"))
            raise
        finally:
            process.terminate()
            process.communicate(timeout=_STARTS_WITHIN)


def signed_in(port: int = PANEL_PORT) -> str:
    """The cookie of a browser that has signed in as the administrator."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=_STARTS_WITHIN, context=context)
    connection.request("GET", "/login", headers={"User-Agent": AGENT})
    answer = connection.getresponse()
    found, visitor = _TOKEN.search(answer.read().decode()), _cookie(answer)
    assert found, "the sign-in has no form"
    form = urlencode({"csrf_token": found[1], "name": ADMINISTRATOR, "password": PASSWORD})
    headers = {"User-Agent": AGENT, "Cookie": f"{COOKIE}={visitor}", "Content-Type": _FORM}
    connection.request("POST", "/login", form, headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 303, answer.status
    connection.close()
    return _cookie(answer)


def _cookie(answer: http.client.HTTPResponse) -> str:
    (found,) = [value for value in answer.headers.get_all("Set-Cookie", []) if value.startswith(f"{COOKIE}=")]
    return found.partition("=")[2].partition(";")[0]
