"""Certificates whose CAs publish lists of the revoked ones, as rows: which list is looked at when, and what it said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes
from peewee import fn

import models
from jobs.policy.proof import parse
from jobs.policy.revocation import AGAIN, EVERY, list_of

LONGEST = timedelta(days=400)
"""No public CA's certificate lives longer. One that a customer made may live for ever; while it is still presented
then, it is put on the watch again."""


@dataclass(frozen=True)
class Watched:
    """One certificate on the watch. `issuer`: PEM; `provider` None: it is foreign."""

    fingerprint: str
    serial: int
    issuer: bytes
    provider: str | None


def watch(chain: Sequence[bytes], provider: str | None, now: datetime) -> str:
    """Look from now on whether a certificate is on its CA's list. `chain`: PEM, leaf first; `provider` None: somebody
    else's. Returns its fingerprint. Raises Failure("unreadable")."""
    leaf = parse(chain[0])
    fingerprint = leaf.fingerprint(hashes.SHA256()).hex()
    found = list_of(chain)
    if found is not None:
        url, issuer = found
        same = models.Revocable.get_or_none(models.Revocable.url == url)
        first = now if provider is None else now + EVERY  # what was issued just now is on no list
        models.Revocable.insert(
            fingerprint=fingerprint, serial=f"{leaf.serial_number:x}", url=url, issuer=issuer.decode("ascii"),
            provider=provider, not_after=min(leaf.not_valid_after_utc, now + LONGEST),
            next_at=same.next_at if same else first,
        ).on_conflict_ignore().execute()
    return fingerprint


def on_watch() -> frozenset[str]:
    """Fingerprints of all certificates that are looked for on lists."""
    return frozenset(found for (found,) in models.Revocable.select(models.Revocable.fingerprint).tuples())


def revoked() -> dict[str, datetime]:
    """Since when those certificates are revoked that are, by fingerprint. Answered by an index."""
    row = models.Revocable
    return dict(row.select(row.fingerprint, row.revoked_at).where(row.revoked_at.is_null(False)).tuples())


def lists_due(now: datetime, limit: int) -> list[str]:
    """URLs of the first lists that it is time to look at, those of our own certificates first. Answered by an index."""
    row = models.Revocable
    due = row.select(row.url).where(row.next_at <= now).group_by(row.url)
    return [url for (url,) in due.order_by(fn.MIN(row.provider.is_null()), fn.MIN(row.next_at)).limit(limit).tuples()]


def watched(url: str) -> list[Watched]:
    """The certificates that a list is looked at for."""
    rows = models.Revocable.select().where(models.Revocable.url == url)
    return [Watched(row.fingerprint, int(row.serial, 16), row.issuer.encode("ascii"), row.provider) for row in rows]


def keep(url: str, revoked: Mapping[str, datetime], now: datetime) -> list[models.Certificate]:
    """Keep what a list said; those of ours that it newly has are due at once. Returns these."""
    row, mine = models.Revocable, models.Certificate
    with models.database.atomic():
        row.update(next_at=now + EVERY, failures=0).where(row.url == url).execute()
        hit = []
        for fingerprint, since in revoked.items():
            fresh = (row.fingerprint == fingerprint) & row.revoked_at.is_null()
            if not row.update(revoked_at=since).where(fresh).execute():
                continue
            for one in mine.select().where((mine.fingerprint == fingerprint) & mine.retired_at.is_null()):
                mine.update(due_at=min(one.due_at, since)).where(mine.id == one.id).execute()
                hit.append(one)
    return hit


def put_off(url: str, now: datetime) -> int:
    """The list could not be had, or not be believed; how often now, one after the other."""
    row = models.Revocable
    row.update(next_at=now + AGAIN, failures=row.failures + 1).where(row.url == url).execute()
    return max((one.failures for one in row.select(row.failures).where(row.url == url)), default=0)


def forget(now: datetime) -> None:
    """What has expired is on no list any more."""
    models.Revocable.delete().where(models.Revocable.not_after < now).execute()
