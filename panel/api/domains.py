"""Finds the websites of a host name, among those that the caller reaches."""

from __future__ import annotations

import models
from panel.api.answers import Refused
from panel.api.callers import Caller


def websites_of(name: str, caller: Caller) -> list[str]:
    """The main names of the websites that have `name`, or a name right below which it is tried (`mail.`, `webdisk.`).

    Raises Refused: 404. The names of a website are one text in its row, so every website is looked through once; a
    host of this size has some ten thousands of short ones.
    """
    website = models.Website
    parent = name.partition(".")[2]
    has = website.names.contains(f'"{name}"') | website.names.contains(f'"{parent}"')
    mine = models.Account.select(models.Account.name).where(caller.accounts)
    query = website.select(website.main).where(has & website.gone_at.is_null() & website.account.in_(mine))
    found = [main for (main,) in query.order_by(website.id).tuples()]
    if not found:
        raise Refused(404, f"{name}: no website has this name")
    return found
