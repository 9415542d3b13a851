"""The CAs of an instance: which one is in use, which stand behind it, their accounts and terms, and those that were
added by hand. Secrets (account keys, EAB) lie in files of `keys/`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import models
from jobs import provider_pause, queue, registry, troubles
from jobs.policy.failure import Failure
from jobs.ports import Eab
from jobs.wiring import provider_keys, provider_rows, registration
from jobs.wiring.custom_provider import PLUGIN, Custom, checked_name, read_options
from jobs.wiring.instance import Instance, now
from jobs.wiring.provider_facts import facts, seen
from jobs.wiring.provider_rows import bare, make, note_offer, note_terms, row_of, save

__all__ = ["Custom", "make", "note_offer", "note_terms"]


def current(instance: Instance) -> tuple[models.Provider, Any] | None:
    """The provider in use, or None when AutoSSL is disabled. Raises Failure("account_key_missing")."""
    row = models.Provider.get_or_none(models.Provider.current)
    return None if row is None else (row, make(instance, row))


def fallbacks() -> list[models.Provider]:
    """The providers to try in this order when the current one can't; see `make`. Each had an account when chosen."""
    behind = models.Provider.fallback.is_null(False) & ~models.Provider.current
    return list(models.Provider.select().where(behind).order_by(models.Provider.fallback))


def list_providers(instance: Instance) -> list[dict[str, Any]]:
    """Every provider that can be used, the one in use first, then the best."""
    found = [facts(row, bare(row).specs()) for row in provider_rows.every_row()]
    return sorted(found, key=lambda one: (not one["current"], one["specs"]["test"], -one["stars"], one["name"]))


def show(instance: Instance, name: str) -> dict[str, Any]:
    """All facts of one provider, without asking the CA. Raises Failure("provider_unknown")."""
    row = row_of(name)
    return facts(row, bare(row).specs())


def look(name: str) -> dict[str, Any]:
    """The same, with what the CA says of itself now as `seen`. Raises what it answers, or that it doesn't in time."""
    row = row_of(name)
    provider = bare(row)
    found = provider_rows.asked(row, provider)
    return {**facts(row, provider.specs()), "seen": seen(found)}


def use(
    instance: Instance, name: str, accept_terms: bool | str, contact: str | None = None, eab: Eab | None = None
) -> dict[str, Any]:
    """Make `name` the current provider, with an account as by `register`, which says what is raised."""
    row = _registered(instance, name, accept_terms, contact, eab)
    with models.database.atomic():
        if not row.current:
            troubles.take_up_again(None, now())
        models.Provider.update(current=False).execute()
        row.current, row.fallback = True, None
        save(row)
    return show(instance, name)


def register(
    instance: Instance, name: str, accept_terms: bool | str, contact: str | None = None, eab: Eab | None = None
) -> dict[str, Any]:
    """Accept the terms, and make an account if there is none, or if EAB is given anew; which one is in use stays.

    `accept_terms`: whatever they are now, or the URL of those that were read. Raises Failure("terms_not_accepted")
    when the CA's terms are new to us and others than these,
    Failure("eab_required"), Failure("contact_invalid"), and what the CA answers.
    """
    save(_registered(instance, name, accept_terms, contact, eab))
    return show(instance, name)


def keep_fallbacks(names: Sequence[str]) -> list[str]:
    """Have these, in this order, behind the current provider; nobody is there at night to accept terms, so each has
    an account. Raises Failure("provider_unknown"), Failure("provider_not_registered"), Failure("option_invalid").
    """
    order = list(dict.fromkeys(names))
    for name in order:
        row = row_of(name)
        _require_account(row)
        if row.current:
            words = f"{name}: it is the current provider, so it can't stand behind itself"
            raise Failure("option_invalid", words, permanent=True)
    with models.database.atomic():
        if order != [row.name for row in fallbacks()]:
            troubles.take_up_again(None, now())
        models.Provider.update(fallback=None).execute()
        for place, name in enumerate(order, 1):
            models.Provider.update(fallback=place).where(models.Provider.name == name).execute()
    return order


def disable() -> str | None:
    """Use no provider any more; returns the one that was in use."""
    row = models.Provider.get_or_none(models.Provider.current)
    models.Provider.update(current=False).execute()
    return None if row is None else str(row.name)


def preview(name: str, custom: Custom) -> dict[str, Any]:
    """What `add` would add, with what the CA says of itself as `seen`; nothing is kept. Raises as `add`."""
    row = _new(name, custom)
    provider = bare(row)
    found = provider_rows.asked(row, provider)
    return {**facts(row, provider.specs()), "seen": seen(found)}


def add(instance: Instance, name: str, custom: Custom, eab: Eab | None = None) -> dict[str, Any]:
    """Add an ACME CA by its directory, which is fetched first: nothing is kept when that fails.

    Raises Failure("provider_exists"), Failure("name_invalid"), Failure("directory_invalid"), and what the CA answers.
    """
    row = _new(name, custom)
    provider = bare(row)
    provider_rows.asked(row, provider)
    if eab is not None:
        provider_keys.write_eab(instance.place, name, eab)
        row.eab_kid = eab.kid
    save(row)
    return {**show(instance, name), "specs": facts(row, provider.specs())["specs"]}


def remove(instance: Instance, name: str) -> None:
    """Forget a provider that was added by hand; the key of its account is kept aside, for it can still revoke.

    Raises Failure("provider_unknown"), Failure("option_invalid") for one that is built in, Failure("in_use").
    """
    row = row_of(name)
    if row.plugin != PLUGIN:
        words = f"{name}: it is built in; only a provider that was added can be removed"
        raise Failure("option_invalid", words, permanent=True)
    if row.current:
        words = f"{name}: it is the current provider; choose another one, or disable AutoSSL, first"
        raise Failure("in_use", words, permanent=True)
    entries = models.QueueEntry
    pending = entries.select().where(
        (entries.provider == name) & (entries.kind == "order") & entries.state.in_(queue.ACTIVE)  # type: ignore[attr-defined]
    )
    if pending.exists():
        words = f"{name}: orders are pending there; cancel them, or wait for them, first"
        raise Failure("in_use", words, permanent=True)
    row.delete_instance()
    provider_keys.put_aside(instance.place, name)


def reset(
    instance: Instance, name: str, eab: Eab | None = None, accept_terms: bool | str = False, contact: str | None = None
) -> dict[str, Any]:
    """Register anew: a new account with a new key; the former key is kept beside it.

    Terms that were accepted stay accepted unless they changed; `accept_terms` and `contact` as in `register`.
    Raises Failure("provider_not_registered"), and as `register`.
    """
    row = row_of(name)
    _require_account(row)
    provider = bare(row)
    terms = registration.agreed(row, provider, accept_terms)
    registration.register(instance, row, provider, contact, eab)
    row.terms_accepted = terms
    save(row)
    registration.take_up_again()
    provider_pause.lift(row.name, now())
    return show(instance, name)


def _registered(
    instance: Instance, name: str, accept_terms: bool | str, contact: str | None, eab: Eab | None
) -> models.Provider:
    """The row, with an account and these terms, which the caller has to save."""
    row = row_of(name)
    provider = make(instance, row)
    terms = registration.agreed(row, provider, accept_terms)
    if row.account_url is None or eab is not None:
        registration.register(instance, row, provider, contact, eab)
    row.terms_accepted = row.terms_seen = terms
    registration.take_up_again()
    provider_pause.lift(row.name, now())
    return row


def _require_account(row: models.Provider) -> None:
    if row.account_url is None:
        remedy = f"autossl provider use {row.name} --accept-terms"
        raise Failure("provider_not_registered", f"{row.name}: has no account yet; make one: {remedy}", permanent=True)


def _new(name: str, custom: Custom) -> models.Provider:
    """The row of a provider that is not there yet, unsaved."""
    checked_name(name)
    if name in registry.names("providers") or models.Provider.get_or_none(models.Provider.name == name):
        raise Failure("provider_exists", f"{name}: there is a provider of that name already", permanent=True)
    options = read_options(name, custom)
    return models.Provider(name=name, plugin=PLUGIN, options=json.dumps(options), added_at=now())
