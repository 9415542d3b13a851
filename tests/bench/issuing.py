"""Inside a private host: one subject issues for websites that nobody had certificates for, and is timed.

`python -m tests.bench.issuing SUBJECT WEBSITES NAMES SECONDS FD`: NAMES each; the CA takes up to SECONDS for a
validation. Writes to FD as JSON what it took, or that the CA hung (see `pebble.py`).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Protocol

from jobs.demo.daemons.pebble import Pebble
from tests.bench import issue_host
from tests.bench.issue_host import Site
from tests.bench.issued import missing
from tests.bench.ours import MailStopped, Ours, ProtocolAlone
from tests.bench.pebble import answers, start_bench_pebble, watched
from tests.bench.peers.programs import Certbot, Dehydrated, Lego, LegoAtOnce, Uacme
from tests.bench.peers.servers import Caddy, ModMd
from tests.bench.spent import Commands


class Subject(Protocol):
    """Who issues."""

    def prepare(self, sites: Sequence[Site], ca: Pebble) -> None:
        """All that is done once on a host, the account at the CA included."""

    def issue(self, commands: Commands) -> None:
        """Timed. Raises RuntimeError when `commands` is stopped."""

    def chains(self, sites: Sequence[Site]) -> dict[str, str]:
        """The certificates with their chains, PEM, by website."""


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "ours": Ours,
    "ours, mail stopped": MailStopped,
    "protocol": ProtocolAlone,
    "certbot": Certbot,
    "lego": Lego,
    "lego, 16 at a time": LegoAtOnce,
    "uacme": Uacme,
    "dehydrated": Dehydrated,
    "mod_md": ModMd,
    "Caddy": Caddy,
}


@dataclass(frozen=True)
class Issued:
    """Seconds, CPU seconds of what was run, MB of the largest process. `acme`: of ours, the seconds and CPU seconds of
    the ACME part. `hung`: the CA did, and the rest tells nothing."""

    seconds: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0
    acme: tuple[float, float] = 0.0, 0.0
    hung: bool = False
    troubles: list[str] = field(default_factory=list)


def measure(name: str, count: int, names: int, validates_within: int) -> Issued:
    sites = issue_host.prepare(count, names)
    ca = start_bench_pebble(validates_within)
    subject = SUBJECTS[name]()
    subject.prepare(sites, ca)
    commands = Commands()
    with watched(partial(answers, ca), commands.stop), commands.memory_read():
        began = time.monotonic()
        try:
            subject.issue(commands)
        except RuntimeError:
            if commands.stopped:
                return Issued(hung=True)
            raise
        seconds = time.monotonic() - began
    troubles = missing({site.main: site.names for site in sites}, subject.chains(sites), ca.root())
    return Issued(seconds, commands.cpu, commands.memory, getattr(subject, "acme", (0.0, 0.0)), troubles=troubles)


def main(words: Sequence[str]) -> None:
    name, count, names, validates_within, sink = words
    found = measure(name, int(count), int(names), int(validates_within))
    with os.fdopen(int(sink), "w", encoding="utf-8") as told:
        json.dump(asdict(found), told)


if __name__ == "__main__":
    main(sys.argv[1:])
