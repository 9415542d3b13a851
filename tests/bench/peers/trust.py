"""What peers need of the private host: it trusts the test CA's own HTTPS, and Apache serves one more directory."""

from __future__ import annotations

from pathlib import Path

from jobs.demo.daemons import apache, starting
from jobs.demo.daemons.pebble import Pebble

CONTACT = "admin@bench.test"
CHALLENGES = Path("/var/www/acme-challenges")

_SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
_ALIAS = f"""Alias /.well-known/acme-challenge/ {CHALLENGES}/
<Directory {CHALLENGES}>
	Require all granted
</Directory>
"""


def trust(ca: Pebble) -> None:
    """By every program of this private host, which has its /etc for itself."""
    starting.only_inside()
    with _SYSTEM.open("a", encoding="ascii") as bundle:
        bundle.write(ca.bundle.read_text(encoding="ascii"))


def serve_challenges() -> None:
    """One directory for the challenges of all websites."""
    CHALLENGES.mkdir()
    path = Path("/etc/apache2/conf-available/challenges.conf")
    path.write_text(_ALIAS, encoding="utf-8")
    starting.run("a2enconf", "-q", path.stem)
    apache.reload_apache()
