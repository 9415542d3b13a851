"""The switch of a website by which certificates of somebody else's may be replaced on it, and what it is about."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import models
from jobs import presented, records, troubles
from jobs.policy.decision import WEB_SERVICES
from jobs.policy.failure import Failure
from jobs.report import stamp
from jobs.wiring.instance import now


def switch(websites: Collection[str], on: bool) -> list[str]:
    """Let AutoSSL replace whatever certificate these websites have, or not any more, and return those that changed.
    What was replaced stays so. Raises Failure("website_unknown"); then nothing is changed."""
    row = models.Website
    there = row.gone_at.is_null() & row.part_of.is_null()
    known = {main for (main,) in row.select(row.main).where(row.main.in_(list(websites)) & there).tuples()}
    for main in websites:
        if main not in known:
            words = f"{main}: there is no such website; see `autossl website list`"
            raise Failure("website_unknown", words, permanent=True)
    with models.database.atomic():
        before = records.taken_over()
        changed = [main for main in dict.fromkeys(websites) if (main in before) is not on]
        row.update(takeover=on).where(row.main.in_(changed)).execute()
        if on:
            troubles.take_up_again(changed, now())
    return changed


def listed(foreign_only: bool) -> list[dict[str, Any]]:
    """Websites with whose certificate they have: by which CA, managed by whom, until when. Rows of the last check."""
    live, foreign, keepers, over = (
        records.live_certificates(), presented.foreign(), keepers_of(), records.taken_over()
    )
    found = []
    for site in records.websites():
        theirs = foreign.get(site.main)
        certificate = theirs or live.get(site.main)
        if site.part_of is not None or (foreign_only and theirs is None):
            continue
        found.append({
            "website": site.main, "account": site.account, "foreign": theirs is not None,
            "issuer": certificate.issuer if certificate else None, "managed_by": keepers.get(site.main) or None,
            "taken_from": (certificate.taken_from or None) if certificate else None,
            "not_after": stamp(certificate.not_after if certificate else None), "takeover": site.main in over,
        })
    return found


def keepers_of(of: Collection[str] | None = None) -> dict[str, str]:
    """Which other program looks after the certificate that a web server presents, by website."""
    state = models.ServiceState
    query = state.select(state.website, state.client).where(
        (state.state == presented.FOREIGN) & state.service.in_(WEB_SERVICES) & state.client.is_null(False)
    )
    return dict((query if of is None else query.where(state.website.in_(list(of)))).tuples())
