"""When CAs ask for the renewal of what they issued, as rows: each certificate's window, point, and next question."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import models
from jobs import records, revocations
from jobs.policy import ari
from jobs.policy.certificate import Certificate
from jobs.policy.due import asked_early, due_at
from jobs.policy.proof import parse

NO_ID = ""
"""Kept for a certificate by which the CA can't be asked."""

_FEW = 100
"""Of so many websites the rows are asked for by name; for more, all are read."""


@dataclass(frozen=True)
class Question:
    """A certificate about which its CA is to be asked. `certificate_id` None: it has to be read from its file first."""

    row: int
    website: str
    provider: str
    certificate_id: str | None
    certificate: Certificate
    stored_at: datetime
    kept: ari.Renewal


def follow(chain: Sequence[bytes], provider: str, account_url: str | None, now: datetime) -> None:
    """From now on the CA is asked about a certificate that is stored: for its window, and whether it was revoked.
    `chain`: PEM, leaf first. `account_url`: None where it is not known."""
    leaf = parse(chain[0])
    found = ari.certificate_id(leaf) or NO_ID
    row = models.Certificate
    values = {"ari_id": found, "ari_next": now if found else None}
    if account_url is not None:
        values["account_url"] = account_url
    row.update(**values).where(row.fingerprint == revocations.watch(chain, provider, now)).execute()


def due(now: datetime, limit: int) -> list[Question]:
    """The first `limit` certificates of which it is time to ask. Answered by an index."""
    row = models.Certificate
    when = row.retired_at.is_null() & (row.ari_next <= now)
    rows = list(row.select().where(when).order_by(row.ari_next).limit(limit))
    revoked = revocations.revoked() if rows else {}
    return [
        Question(one.id, one.website, one.provider, one.ari_id, records.certificate(one, revoked), one.stored_at,
                 _renewal(one))
        for one in rows
    ]


def give_up(question: Question) -> None:
    """The CA can't be asked by this certificate."""
    models.Certificate.update(ari_id=NO_ID, ari_next=None).where(models.Certificate.id == question.row).execute()


def keep(question: Question, renewal: ari.Renewal, now: datetime) -> None:
    """Keep what came of a question; nothing of it if another certificate stands there by now."""
    row, window = models.Certificate, renewal.window
    certificate = replace(question.certificate, ari_point=renewal.point)
    same = (row.id == question.row) & row.retired_at.is_null() & (row.ari_id == question.certificate_id)
    row.update(
        ari_start=window.start if window else None,
        ari_end=window.end if window else None,
        ari_point=renewal.point,
        ari_url=renewal.url,
        ari_early=asked_early(certificate),
        ari_asked_at=now,
        ari_next=renewal.next_at,
        ari_failures=renewal.failures,
        due_at=due_at(certificate),
    ).where(same).execute()


def windows(of: Collection[str] | None = None) -> dict[str, ari.Renewal]:
    """What is known of the live certificate of each website, of all or of these main names; without a window, none."""
    row = models.Certificate
    query = row.select().where(row.retired_at.is_null() & row.ari_start.is_null(False))
    if of is not None:
        query = query.where(row.website.in_(list(of)))
    return {one.website: _renewal(one) for one in query.order_by(row.id)}


def replaced(
    orders: Mapping[str, Collection[str]], provider: str, account_url: str | None, now: datetime
) -> dict[str, str]:
    """What orders at this provider and account may say that they replace, if anything. `orders`: each website's names.
    """
    if account_url is None:
        return {}
    row, found = models.Certificate, {}
    of_ca = row.retired_at.is_null() & (row.account_url == account_url) & row.ari_start.is_null(False)
    wanted = row.website, row.names, row.provider, row.account_url, row.ari_id, row.ari_start, row.ari_end
    for live in row.select(*wanted).where(of_ca & row.website.in_(list(orders)) if len(orders) <= _FEW else of_ca):
        window, names = _window(live), orders.get(live.website)
        if window is None or names is None or not live.ari_id:
            continue
        former = ari.Issued(live.ari_id, live.provider, live.account_url, tuple(json.loads(live.names)), window)
        if certificate := ari.replaces(former, provider, account_url, names, now):
            found[live.website] = certificate
    return found


def _window(row: models.Certificate) -> ari.Window | None:
    return ari.Window(row.ari_start, row.ari_end) if row.ari_start and row.ari_end else None


def _renewal(row: models.Certificate) -> ari.Renewal:
    return ari.Renewal(_window(row), row.ari_point, row.ari_url, row.ari_next, row.ari_failures)
