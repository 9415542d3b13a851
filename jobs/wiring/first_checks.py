"""The first check of what is new: nobody has to ask for it (behaviour section 2)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import models
from jobs import queue
from jobs.policy.features import why_skipped
from jobs.wiring import features
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance, now


def discover_and_ask(instance: Instance) -> dict[str, Any]:
    """A discovery, and then a check of every account with a new website; `checks` says of which."""
    found = discover(instance)
    return {**found, "checks": ask({site["account"] for site in found["new"]})}


def ask(accounts: Collection[str]) -> list[str]:
    """Queue a check of those of these accounts that AutoSSL looks after; which. None while no provider is in use.

    A provider that can't be used at present is the check's own business.
    """
    if not accounts or models.Provider.get_or_none(models.Provider.current) is None:
        return []
    given = features.by_package()
    chosen = models.Account.name.in_(list(accounts)) & models.Account.gone_at.is_null()
    wanted = [row.name for row in models.Account.select().where(chosen).order_by(models.Account.name)
              if not why_skipped(features.entitlement(row, given))]
    if wanted:
        queue.request_check(wanted, forced=False, now=now())
    return wanted
