"""Dovecot as Debian has it, with the self-signed certificate that a fresh installation begins with."""

from __future__ import annotations

from pathlib import Path

from jobs.demo.daemons import self_signed
from jobs.demo.daemons.starting import only_inside, start

PORTS = (143, 993)
_PRIVATE = Path("/etc/dovecot/private")


def start_dovecot() -> None:
    """Start it, logging to a file (there is no syslog in a private host)."""
    only_inside()
    if not (_PRIVATE / "dovecot.pem").exists():
        self_signed.write(_PRIVATE / "dovecot.pem", _PRIVATE / "dovecot.key", ["panel.bench.test"])
    Path("/etc/dovecot/local.conf").write_text("log_path = /var/log/dovecot.log\n", encoding="utf-8")
    start("dovecot", ["dovecot"], PORTS)
