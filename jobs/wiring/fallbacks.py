"""The providers behind the current one, as a check works with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import models
from jobs.abilities import takes_lasting_records
from jobs.order import Ordering
from jobs.policy.failure import Failure
from jobs.wiring import providers
from jobs.wiring.instance import Instance
from jobs.world import Provider


def behind(instance: Instance, ordering: Callable[[models.Provider, Any], Ordering]) -> tuple[Provider, ...]:
    """Those that the administrator chose, in their order, each with its own account. Nothing is asked of them now.
    `ordering`: makes what an order needs of a row and its plug-in."""
    return tuple(_provider(instance, row, ordering) for row in providers.fallbacks())


def note_what_they_said(behind: tuple[Provider, ...]) -> None:
    """The terms that those have now which were asked, and how they take records that stay."""
    for one in behind:
        row = models.Provider.get_or_none(models.Provider.name == one.name)
        if row is not None and one.ordering is not None:
            note(row, one.ordering.provider)


def note(row: models.Provider, provider: Any) -> None:
    providers.note_terms(row, provider.specs().terms_url)
    if takes_lasting_records(provider):
        providers.note_offer(row, provider.persist())


def _provider(
    instance: Instance, row: models.Provider, ordering: Callable[[models.Provider, Any], Ordering]
) -> Provider:
    former = tuple(json.loads(row.former_accounts or "[]"))
    if row.account_url is None:
        words = f"it has no account here: autossl provider use {row.name} --accept-terms"
        return Provider(row.name, None, former, Failure("account_missing", words, permanent=True))
    try:
        return Provider(row.name, ordering(row, providers.make(instance, row)), former)
    except Failure as failure:
        return Provider(row.name, None, former, failure)
