"""AutoSSL Panel itself as a subject of the bench: the whole check, its ACME part, and the protocol alone."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import models
from jobs import records
from jobs.demo.daemons import dovecot, exim, starting
from jobs.demo.daemons.pebble import Pebble
from jobs.demo.product import CODE, Product
from jobs.store import FULLCHAIN, live_set
from jobs.wiring.instance import open_instance
from tests.bench.issue_host import Site
from tests.bench.spent import Commands

_CONFIG = '[dns]\nresolvers = ["127.0.0.1"]\n'
"""Without a panel: its own certificate would be one more than the peers get."""

_ONE_AT_A_TIME = "[check]\nconcurrency = 1\n"
"""Debian's Pebble deadlocks sooner or later when it is asked two things at once: one at a time, 10,000 orders come
to their end."""


class Ours:
    """A new instance, as a new user has it before the first check, with every service that the demo has."""

    config = _CONFIG

    def __init__(self) -> None:
        self.product = Product()
        self.acme = 0.0, 0.0
        """Seconds and CPU seconds of the ACME part: see `tests.bench.clocked_check`."""

    def prepare(self, sites: Sequence[Site], ca: Pebble) -> None:
        self.start_mail(sites)
        self.product.make()
        (self.product.instance / "config.toml").write_text(self.config, encoding="utf-8")
        self.product.run("setup")
        self.product.use(ca)
        self.product.run("discover")

    def start_mail(self, sites: Sequence[Site]) -> None:
        dovecot.start_dovecot()
        exim.start_exim([site.main for site in sites])

    def issue(self, commands: Commands) -> None:
        """`autossl check --all`, with a clock on its ACME part."""
        words = ["--instance", str(self.product.instance), "check", "--all"]
        parts = _told(commands, "tests.bench.clocked_check", words)
        self.acme = sum(part["seconds"] for part in parts), sum(part["cpu"] for part in parts)

    def chains(self, sites: Sequence[Site]) -> dict[str, str]:
        """What lies in the store as live."""
        instance = open_instance(self.product.instance)
        with models.database.connection_context():
            live = records.live_certificates([site.main for site in sites])
        found = {
            main: (live_set(instance.place, main, certificate.serial) / FULLCHAIN).read_text(encoding="ascii")
            for main, certificate in live.items()
        }
        instance.close()
        return found


class MailStopped(Ours):
    """Dovecot and Exim are configured as ever and don't run: for very many names their own part takes minutes (the
    part `check` tells it), and they are told to present the certificates when they start."""

    config = _CONFIG + _ONE_AT_A_TIME

    def start_mail(self, sites: Sequence[Site]) -> None:
        super().start_mail(())
        starting.run("doveadm", "stop")
        starting.run("pkill", "--pidfile", "/run/exim4/exim.pid")
        running = Path("/run/dovecot/master.pid"), Path("/run/exim4/exim.pid")
        starting.until("Dovecot's and Exim's end", lambda: not any(_alive(file) for file in running))


class ProtocolAlone(Ours):
    """The same host; of the work only what is said to the CA, and its challenges."""

    def prepare(self, sites: Sequence[Site], ca: Pebble) -> None:
        super().prepare(sites, ca)
        self._websites = [",".join(site.names) for site in sites]

    def issue(self, commands: Commands) -> None:
        words = [str(self.product.instance), *self._websites]
        found = _told(commands, "tests.bench.protocol_alone", words)
        self.acme, self._chains = (found["seconds"], found["cpu"]), found["chains"]

    def chains(self, sites: Sequence[Site]) -> dict[str, str]:
        return dict(self._chains)


def _alive(pid_file: Path) -> bool:
    return pid_file.exists() and Path("/proc", pid_file.read_text(encoding="ascii").strip()).exists()


def _told(commands: Commands, module: str, words: Sequence[str]) -> Any:
    """What a module of ours writes as JSON to the descriptor that is its first word."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sink:
        descriptor = sink.fileno()
        command = [sys.executable, "-m", module, str(descriptor), *words]
        commands.run(command, {"PYTHONPATH": str(CODE)}, [descriptor])
        sink.seek(0)
        return json.load(sink)
