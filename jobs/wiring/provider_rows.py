"""Providers as rows and as plug-ins. Rows exist only for providers that were used, or added by hand."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import models
from jobs import registry
from jobs.config import fill
from jobs.policy.failure import Failure
from jobs.policy.persist import Offer
from jobs.policy.specs import Look
from jobs.ports import AcmeAccount
from jobs.wiring import provider_keys
from jobs.wiring.custom_provider import PLUGIN
from jobs.wiring.instance import Instance, now

LOOK_SECONDS = 15.0
"""For how long somebody who waits for a CA's directory waits."""


def built_in() -> list[str]:
    return [name for name in registry.names("providers") if name != PLUGIN]


def every_row() -> list[models.Provider]:
    """One for each provider that can be used; a fresh unsaved one for what was never used."""
    kept = {row.name: row for row in models.Provider.select().order_by(models.Provider.name)}
    return [*kept.values(), *(_fresh(name) for name in built_in() if name not in kept)]


def row_of(name: str) -> models.Provider:
    """The row of a provider, a fresh unsaved one for a built-in one. Raises Failure("provider_unknown")."""
    row = models.Provider.get_or_none(models.Provider.name == name)
    if row is not None:
        return row
    if name not in built_in():
        words = f"{name}: there is no such provider; see `autossl provider list`"
        raise Failure("provider_unknown", words, permanent=True)
    return _fresh(name)


def save(row: models.Provider) -> None:
    """Keep what was changed of it; what somebody else changed meanwhile stays."""
    changed = {field.name: getattr(row, field.name) for field in row.dirty_fields if field.name != "name"}
    query = models.Provider.insert(**row.__data__)
    if changed:
        query.on_conflict(conflict_target=[models.Provider.name], update=changed).execute()


def make(instance: Instance, row: models.Provider) -> Any:
    """The plug-in of `row` with its options and, once registered, its account.

    Raises Failure("provider_unknown") when its file is gone, Failure("config_invalid"), Failure("account_key_missing").
    """
    return _plugin(row, _account(instance, row))


def bare(row: models.Provider) -> Any:
    """The plug-in without its account: enough for facts and terms, and it works when the key is lost."""
    return _plugin(row, None)


def asked(row: models.Provider, provider: Any) -> Look:
    """What the CA says of itself now; its terms, and how it takes dns-persist-01, are noted. Raises what it says."""
    found: Look = provider.look(LOOK_SECONDS)
    note_terms(row, found.terms_url)
    note_offer(row, found.persist)
    return found


def note_terms(row: models.Provider, terms: str | None) -> None:
    """The CA has these terms now: where others were accepted, the panel asks again. Only if it has a row."""
    if terms is not None and terms != row.terms_seen:
        models.Provider.update(terms_seen=terms).where(models.Provider.name == row.name).execute()
        row.terms_seen = terms


def note_offer(row: models.Provider, offer: Offer | None) -> None:
    """How the CA takes dns-persist-01, for pages, which ask nobody. What it said once is kept while it is silent: some
    say it only in an order. Only if it has a row."""
    text = json.dumps(dataclasses.asdict(offer)) if offer else None
    if text is not None and text != row.persist:
        models.Provider.update(persist=text).where(models.Provider.name == row.name).execute()
        row.persist = text


def kept_offer(row: models.Provider) -> Offer | None:
    """What `note_offer` kept."""
    if not row.persist:
        return None
    values = json.loads(row.persist)
    return Offer(tuple(values["issuers"]), values["hash_prefix"])


def _fresh(name: str) -> models.Provider:
    return models.Provider(name=name, plugin=name, added_at=now())


def _plugin(row: models.Provider, account: AcmeAccount | None) -> Any:
    try:
        plugin = registry.load("providers", row.plugin)
    except LookupError as error:
        raise Failure("provider_unknown", f"provider {error}", permanent=True) from error
    return plugin.make(fill(plugin.options, json.loads(row.options), f"provider {row.name}"), account)


def _account(instance: Instance, row: models.Provider) -> AcmeAccount | None:
    if row.account_url is None:
        return None
    return AcmeAccount(row.account_url, provider_keys.read_key(instance.place, row.name), row.terms_accepted)
