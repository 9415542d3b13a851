"""Zones of a real BIND, an instance that keeps what is put there, and looks at both as a stranger would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.query

from jobs.courses import Waits
from jobs.demo.daemons import bind
from jobs.demo.daemons.starting import run
from jobs.demo.product import Product
from jobs.dns_backends.rfc2136 import Backend, Options
from jobs.place import Place
from jobs.policy.finding import Finding
from jobs.ports import Record
from jobs.preflight.resolver import Lookup, servers
from jobs.preflight.wire import Reply, Server
from jobs.wiring.instance import create, open_instance
from jobs.zones import Zones, kept
from jobs.zones.dns_solver import DnsSolver

TIMEOUT = 2.0
"""Seconds; a quarter of it is given to a server for one answer."""

SILENT = "127.0.0.9"
"""Nobody is there."""

NS2 = ("@", "NS", "ns2.bench.test.")
"""A second name server beside the bench's own."""


class Silent:
    """Answers no challenge."""

    def present(self, name: str, token: str, key_authorization: str) -> None:
        pass

    def settle(self, name: str, token: str) -> Waits[None]:
        yield from ()

    def clean(self, name: str, token: str) -> None:
        pass


class Watching(Lookup):
    """Remembers what each server said."""

    def __init__(self) -> None:
        super().__init__(servers([bind.ADDRESS]), authoritative=False, timeout=TIMEOUT)
        self.asked: list[str] = []
        self.replies: list[tuple[str, Reply]] = []

    async def exchange(self, server: Server, name: str, kind: str) -> Reply:
        self.asked.append(server.address)
        reply = await super().exchange(server, name, kind)
        self.replies.append((server.address, reply))
        return reply


@contextmanager
def installation(directory: Path) -> Iterator[Place]:
    create(directory)
    instance = open_instance(directory)
    yield instance.place
    instance.close()


def backend(dns: bind.Bind, *names: str) -> Backend:
    """By which these zones may be changed."""
    key = dns.keys[bind.TSIG_NAME]
    options = Options(server=bind.ADDRESS, zones=names, key_name=bind.TSIG_NAME, key_secret=key)
    return Backend(options, Place(Path("/nowhere")))


def solver(zones: Zones, told: list[Finding]) -> DnsSolver:
    return DnsSolver(zones, [bind.ADDRESS], TIMEOUT, told.append)


def texts(name: str, address: str = bind.ADDRESS) -> set[str]:
    """The TXT values at this very name, at one server."""
    question = dns.message.make_query(name, "TXT")
    question.flags &= ~dns.flags.RD
    found = dns.query.udp(question, address, timeout=5, port=bind.PORT).answer
    return {b"".join(value.strings).decode() for rrset in found if str(rrset.name) == f"{name}." for value in rrset}


def addresses(name: str) -> set[str]:
    return set(run("dig", "+short", f"@{bind.ADDRESS}", "A", name).split())


def change(zone: str, *lines: str) -> None:
    """As somebody else would change it."""
    script = [f"server {bind.ADDRESS}", f"zone {zone}", *lines, "send", ""]
    run("nsupdate", "-k", "/etc/bind/autossl.key", stdin="\n".join(script))


def listed() -> list[Record]:
    return [one.record for one in kept.left(kept.CHALLENGE)]


def unchanged(zones: Sequence[str]) -> dict[str, int | None]:
    """The serial numbers, by which any change would show."""
    return {zone: bind.served(zone) for zone in zones}


def use_backend(product: Product, dns: bind.Bind, *names: str) -> None:
    """The same for the whole product, as a person sets it up."""
    values = (f"server={bind.ADDRESS}", f"zones={','.join(names)}", f"key_name={bind.TSIG_NAME}")
    secret = f"{dns.keys[bind.TSIG_NAME]}\n"
    product.run("plugin", "set", "rfc2136", *values, "--secret-file", "key_secret=-", stdin=secret)
