"""Other ACME clients.

Programs beside this one that renew certificates. They may go on; but two for one name get in each other's way.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jobs import privileged
from jobs.doctor import Host
from jobs.policy.doctor import Result, State, overlapping
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate

MOST_LOOKED_AT = 500
SIGNS = (
    ("certbot", "/etc/systemd/system/timers.target.wants/certbot.timer"),
    ("certbot", "/etc/systemd/system/timers.target.wants/snap.certbot.renew.timer"),
    ("certbot", "/etc/cron.d/certbot"),
    ("dehydrated", "/etc/cron.d/dehydrated"),
    ("dehydrated", "/etc/cron.daily/dehydrated"),
    ("acme.sh", "/root/.acme.sh/account.conf"),
    ("mod_md", "/etc/apache2/mods-enabled/md.load"),
    ("lego", "/etc/systemd/system/timers.target.wants/lego.timer"),
)
"""Client, and a file by which it is known to run by itself on Debian and its kin."""

_CERTIFICATES = (
    ("/etc/letsencrypt/live", "cert.pem"),
    ("/var/lib/dehydrated/certs", "cert.pem"),
    ("/etc/apache2/md/domains", "pubcert.pem"),
)


def examine(host: Host) -> Iterator[Result]:
    found = {client: sign for client, sign in reversed(SIGNS) if Path(sign).exists()}
    if not found:
        yield Result(State.FINE, "other clients", "none is known to run by itself on this host")
        return
    ours = {name for site in host.websites for name in site.names}
    both = overlapping(ours, sorted(_names()))
    for client, sign in sorted(found.items()):
        yield Result(State.FINE, client, f"it runs beside this program ({sign})")
    if both:
        shown = ", ".join(both[:5]) + (f" and {len(both) - 5} more" if len(both) > 5 else "")
        remedy = "Let one program take care of a name: end its renewal by the other client, or exclude it here."
        yield Result(State.WARNING, "names", f"others have certificates of {shown}", "one client a name", remedy)


def _names() -> set[str]:
    """The names on certificates that other clients keep."""
    found: set[str] = set()
    for folder, name in _CERTIFICATES:
        for path in sorted(Path(folder).glob(f"*/{name}"))[:MOST_LOOKED_AT]:
            try:
                content = privileged.read(path)
                found |= set(read_certificate(content).names) if content else set()
            except Failure:
                continue  # not a certificate, so no name of theirs
    return found
