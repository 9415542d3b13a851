"""Peers that are programs which are run for a certificate, or for all: certbot, lego, uacme, dehydrated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jobs.demo.daemons import starting
from jobs.demo.daemons.pebble import Pebble
from tests.bench.issue_host import Site
from tests.bench.peers.trust import CHALLENGES, CONTACT, serve_challenges, trust
from tests.bench.spent import Commands

_DEBIANS = Path("/var/www/html")
"""The document root of Apache's own website, which the host's name leads to."""


class Certbot:
    """One process a certificate, which writes into the website's document root (--webroot)."""

    def prepare(self, sites: Sequence[Site], ca: Pebble) -> None:
        trust(ca)
        words = ["register", "--agree-tos", "--no-eff-email", "-m", CONTACT, "-n", "--server", ca.directory]
        starting.run("certbot", *words)
        self._commands = [_certbot(site, ca) for site in sites]

    def issue(self, commands: Commands) -> None:
        commands.run_all(self._commands)

    def chains(self, sites: Sequence[Site]) -> dict[str, str]:
        return _read({site.main: Path("/etc/letsencrypt/live", site.main, "fullchain.pem") for site in sites})


def _certbot(site: Site, ca: Pebble) -> list[str]:
    names = [word for name in site.names for word in ("-d", name)]
    way = ["certonly", "-n", "--webroot", "-w", str(site.docroot)]
    return ["certbot", *way, "--server", ca.directory, "--cert-name", site.main, "--key-type", "ecdsa", *names]


class Lego:
    """One process a certificate, one after the other; document roots as with certbot."""

    home = Path("/var/lib/bench-lego")
    at_once = 1

    def prepare(self, sites: Sequence[Site], ca: Pebble) -> None:
        """It registers when it gets its first certificate: this one is that of the host's own name."""
        trust(ca)
        starting.run(*self._lego(Site("", ("panel.bench.test",)), ca, _DEBIANS))
        self._commands = [self._lego(site, ca, site.docroot) for site in sites]

    def issue(self, commands: Commands) -> None:
        commands.run_all(self._commands, self.at_once)

    def chains(self, sites: Sequence[Site]) -> dict[str, str]:
        return _read({site.main: self.home / "certificates" / f"{site.main}.crt" for site in sites})

    def _lego(self, site: Site, ca: Pebble, root: Path) -> list[str]:
        names = [word for name in site.names for word in ("-d", name)]
        who = ["--server", ca.directory, "--accept-tos", "--email", CONTACT, "--path", str(self.home)]
        return ["lego", *who, "--http", "--http.webroot", str(root), *names, "run"]


class LegoAtOnce(Lego):
    """Sixteen processes at a time."""

    at_once = 16


class Uacme:
    """One process a certificate, with the hook script that its package has."""

    home = Path("/var/lib/bench-uacme")
    hook = "/usr/share/uacme/uacme.sh"

    def prepare(self, sites: Sequence[Site], ca: Pebble) -> None:
        trust(ca)
        serve_challenges()
        who = ["uacme", "-c", str(self.home), "-a", ca.directory, "-t", "EC"]
        starting.run(*who, "-y", "new", CONTACT)
        hook = ["env", f"UACME_CHALLENGE_PATH={CHALLENGES}"]
        self._commands = [[*hook, *who, "-h", self.hook, "issue", *site.names] for site in sites]

    def issue(self, commands: Commands) -> None:
        commands.run_all(self._commands)

    def chains(self, sites: Sequence[Site]) -> dict[str, str]:
        return _read({site.main: self.home / site.main / "cert.pem" for site in sites})


class Dehydrated:
    """One process for all."""

    home = Path("/var/lib/bench-dehydrated")

    def prepare(self, sites: Sequence[Site], ca: Pebble) -> None:
        trust(ca)
        serve_challenges()
        self.home.mkdir()
        config = self.home / "config"
        facts = {
            "CA": ca.directory, "BASEDIR": self.home, "WELLKNOWN": CHALLENGES, "CONTACT_EMAIL": CONTACT,
            "KEY_ALGO": "prime256v1",
        }
        config.write_text("".join(f'{name}="{value}"\n' for name, value in facts.items()), encoding="utf-8")
        lines = [f"{' '.join(site.names)}\n" for site in sites]
        (self.home / "domains.txt").write_text("".join(lines), encoding="utf-8")
        starting.run("dehydrated", "-f", str(config), "--register", "--accept-terms")
        self._command = ["dehydrated", "-f", str(config), "-c"]

    def issue(self, commands: Commands) -> None:
        commands.run(self._command)

    def chains(self, sites: Sequence[Site]) -> dict[str, str]:
        return _read({site.main: self.home / "certs" / site.main / "fullchain.pem" for site in sites})


def _read(paths: dict[str, Path]) -> dict[str, str]:
    return {main: path.read_text(encoding="ascii") for main, path in paths.items() if path.exists()}
