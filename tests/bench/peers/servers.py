"""Peers that are web servers which issue for themselves: Apache's mod_md, and Caddy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from jobs.demo.daemons import apache, starting
from jobs.demo.daemons.pebble import Pebble
from tests.bench.issue_host import Site
from tests.bench.peers.trust import CONTACT
from tests.bench.spent import Commands, of_daemon, wait_until

_MD = """MDCertificateAuthority {directory}
MDCACertificateFile {bundle}
MDCertificateAgreement accepted
MDContactEmail {contact}
MDPrivateKeys secp256r1
MDStoreDir {store}
"""
_TLS_VHOST = """MDomain {names}
<VirtualHost *:443>
	ServerName {main}
{aliases}	DocumentRoot {docroot}
	SSLEngine on
</VirtualHost>
"""
_CADDY = """{{
	acme_ca {directory}
	acme_ca_root {bundle}
	email {contact}
	storage file_system {home}
	admin off
	skip_install_trust
}}
"""


class ModMd:
    """From Apache's start with the websites' TLS vhosts until the last certificate is staged. (Brought to it by a
    graceful restart, Debian's begins nothing: its watchdog comes with the start.)"""

    store = Path("/var/lib/apache2/md")

    def prepare(self, sites: Sequence[Site], ca: Pebble) -> None:
        facts = {"directory": ca.directory, "bundle": ca.bundle, "contact": CONTACT, "store": self.store}
        vhosts = "".join(
            _TLS_VHOST.format(
                main=site.main, names=" ".join(site.names), docroot=site.docroot,
                aliases="".join(f"\tServerAlias {name}\n" for name in site.names[1:]),
            )
            for site in sites
        )
        starting.run("a2enmod", "-q", "md")
        apache.add_vhosts("md", _MD.format(**facts) + vhosts)
        starting.run("apache2ctl", "configtest")
        _stop_apache()
        self._count = len(sites)

    def issue(self, commands: Commands) -> None:
        _measured("apache2", commands, _start_apache, lambda: len(self._staged()) == self._count)

    def chains(self, sites: Sequence[Site]) -> dict[str, str]:
        return {path.parent.name: path.read_text(encoding="ascii") for path in self._staged()}

    def _staged(self) -> list[Path]:
        return list((self.store / "staging").glob("*/pubcert*.pem"))


class Caddy:
    """From its start until the last certificate is in its storage, at its own pace. It issues each name by itself."""

    home = Path("/var/lib/bench-caddy")

    def prepare(self, sites: Sequence[Site], ca: Pebble) -> None:
        """It serves the websites itself: Apache makes room."""
        _stop_apache()
        self.home.mkdir()
        self._config = self.home / "Caddyfile"
        head = _CADDY.format(directory=ca.directory, bundle=ca.bundle, contact=CONTACT, home=self.home)
        place = "{} {{\n\troot * {}\n\tfile_server\n}}\n"
        places = "".join(place.format(name, site.docroot) for site in sites for name in site.names)
        self._config.write_text(head + places, encoding="utf-8")
        self._count = sum(len(site.names) for site in sites)

    def issue(self, commands: Commands) -> None:
        command = ["caddy", "run", "--config", str(self._config), "--adapter", "caddyfile"]
        begin = lambda: starting.start("bench-caddy", command, [], {"HOME": str(self.home)})  # noqa: E731
        _measured("caddy", commands, begin, lambda: len(self._kept()) == self._count)

    def chains(self, sites: Sequence[Site]) -> dict[str, str]:
        return {path.stem: path.read_text(encoding="ascii") for path in self._kept()}

    def _kept(self) -> list[Path]:
        return list((self.home / "certificates").glob("*/*/*.crt"))


def _stop_apache() -> None:
    starting.run("apache2ctl", "stop")
    starting.until("the end of Apache", lambda: of_daemon("apache2")[1] == 0)


def _start_apache() -> None:
    starting.start("apache-md", ["apache2ctl", "start"])


def _measured(daemon: str, commands: Commands, begin: Callable[[], object], done: Callable[[], bool]) -> None:
    """What the daemon's processes took from `begin` on."""
    before, _ = of_daemon(daemon)
    begin()
    wait_until(done, lambda: commands.stopped)
    after, commands.memory = of_daemon(daemon)
    commands.cpu = after - before
