"""Certificates and keys of other clients, read from their own directories as values. Nothing of theirs is changed.

Their files are root's, so this half runs as root; what becomes of the values is the business of
`jobs/wiring/imports.py`, which needs no root. The client's account key is not read.
"""

from __future__ import annotations

from pathlib import Path

from jobs.lineages import acme_sh, certbot
from jobs.policy.lineage import Lineage
from jobs.policy.other_clients import Client

PLACES = {Client.CERTBOT: Path("/etc/letsencrypt"), Client.ACME_SH: Path("/root/.acme.sh")}
"""Where each client keeps everything, unless it was told otherwise."""

_READERS = {Client.CERTBOT: certbot.lineages, Client.ACME_SH: acme_sh.lineages}


def read_lineages(client: Client, directory: Path) -> list[Lineage]:
    """Every certificate that `client` keeps in `directory`, by name; one that can't be taken says why in `trouble`.

    Raises Failure("unreadable") when the directory itself can't be read.
    """
    return _READERS[client](directory.absolute())
