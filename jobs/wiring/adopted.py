"""After a restore: certificates that came after the backup was made, and that services present already, are kept.

The rows know only what was live then. Without this a service would be put back to an older certificate, and a CA be
asked for what it has just issued.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import models
from jobs import records, renewals
from jobs.policy.certificate import Certificate
from jobs.policy.due import due_at
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate, split_pem
from jobs.ports import Place
from jobs.store import FULLCHAIN, set_damage


def adopt(place: Place, now: datetime) -> tuple[str, ...]:
    """Make the newest sound set that a link of a website leads to its live one, where the rows have an older one or
    none; a website that came later has no row yet, and finds its certificate when it is discovered. Returns these."""
    known, live = records.known_fingerprints(), records.live_certificates()
    adopted = []
    for website in sorted(entry.name for entry in place.live.iterdir() if entry.is_dir()):
        fresh = [(found, chain) for found, chain in _presented(place, website, now) if found.fingerprint not in known]
        stored = live.get(website)
        for found, chain in sorted(fresh, key=lambda pair: pair[0].not_before)[-1:]:
            if stored is None or stored.not_before < found.not_before:
                records.keep_certificate(website, found, _provider(website), due_at(found), now)
                renewals.follow(chain, _provider(website), None, now)
                adopted.append(website)
    return tuple(adopted)


def _presented(place: Place, website: str, now: datetime) -> Iterator[tuple[Certificate, tuple[bytes, ...]]]:
    for link in (place.live / website).iterdir():
        if not link.is_symlink() or set_damage(link):
            continue
        try:
            chain = split_pem((link / FULLCHAIN).read_bytes())
            found = read_certificate(chain[0])
        except (OSError, Failure, IndexError, ValueError):
            continue  # a set of its own damage; a check tells of it
        if not found.self_signed and found.not_before <= now < found.not_after:
            yield found, chain


def _provider(website: str) -> str:
    """Who issued the website's last one; a website that had none has it of the provider in use."""
    row = models.Certificate
    last = row.select(row.provider).where(row.website == website).order_by(row.id.desc()).first()
    current = models.Provider.get_or_none(models.Provider.current)
    return str(last.provider if last else current.name if current else "")
