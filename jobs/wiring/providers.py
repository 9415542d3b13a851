"""The CAs of an instance: which one is in use, their accounts and terms, and the ones that were added by hand.

Rows exist only for providers that were used or added. Secrets (account keys, EAB) lie in files of `keys/`.
"""

from __future__ import annotations

import json
from typing import Any

import models
from jobs import registry
from jobs.config import fill
from jobs.policy.contact import mail_address
from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName
from jobs.ports import AcmeAccount, Eab
from jobs.wiring import provider_keys
from jobs.wiring.custom_provider import PLUGIN, Custom, checked_name, read_eab, read_options
from jobs.wiring.instance import Instance, now
from jobs.wiring.provider_facts import facts

__all__ = ["Custom", "add", "current", "disable", "list_providers", "make", "read_eab", "reset", "show", "use"]


def current(instance: Instance) -> tuple[models.Provider, Any] | None:
    """The provider in use, or None when AutoSSL is disabled. Raises Failure("account_key_missing")."""
    row = models.Provider.get_or_none(models.Provider.current)
    return None if row is None else (row, make(instance, row))


def make(instance: Instance, row: models.Provider) -> Any:
    """The plug-in of `row` with its options and, once registered, its account.

    Raises Failure("provider_unknown") when its file is gone, Failure("config_invalid"), Failure("account_key_missing").
    """
    plugin = _plugin(row.plugin)
    options = fill(plugin.options, json.loads(row.options), f"provider {row.name}")
    return plugin.make(options, _account(instance, row))


def list_providers(instance: Instance) -> list[dict[str, Any]]:
    """Every provider that can be used, the one in use first, then the best."""
    names = dict.fromkeys([*_built_in(), *(row.name for row in models.Provider.select())])
    found = [show(instance, name) for name in names]
    return sorted(found, key=lambda one: (not one["current"], one["specs"]["test"], -one["stars"], one["name"]))


def show(instance: Instance, name: str) -> dict[str, Any]:
    """All facts of one provider, without asking the CA. Raises Failure("provider_unknown")."""
    row = _row(name)
    return facts(row, _bare(row).specs())


def use(
    instance: Instance, name: str, accept_terms: bool, contact: str | None = None, eab: Eab | None = None
) -> dict[str, Any]:
    """Make `name` the current provider; registers an account first if there is none, or if EAB is given anew.

    Raises Failure("terms_not_accepted") when the CA's terms are new to us and `accept_terms` is false,
    Failure("eab_required"), Failure("contact_invalid"), and what the CA answers.
    """
    row = _row(name)
    provider = make(instance, row)
    terms = _agreed(row, provider, accept_terms)
    if row.account_url is None or eab is not None:
        _register(instance, row, provider, _contact(instance, contact), eab)
    row.terms_accepted = terms
    with models.database.atomic():
        models.Provider.update(current=False).execute()
        row.current = True
        _save(row)
    return show(instance, name)


def disable() -> str | None:
    """Use no provider any more; returns the one that was in use."""
    row = models.Provider.get_or_none(models.Provider.current)
    models.Provider.update(current=False).execute()
    return None if row is None else str(row.name)


def add(instance: Instance, name: str, custom: Custom, eab: Eab | None = None) -> dict[str, Any]:
    """Add an ACME CA by its directory, which is fetched first: nothing is kept when that fails.

    Raises Failure("provider_exists"), Failure("name_invalid"), Failure("directory_invalid"), and what the CA answers.
    """
    checked_name(name)
    if name in registry.names("providers") or models.Provider.get_or_none(models.Provider.name == name):
        raise Failure("provider_exists", f"{name}: there is a provider of that name already", permanent=True)
    options = read_options(name, custom)
    row = models.Provider(name=name, plugin=PLUGIN, options=json.dumps(options), added_at=now())
    provider = _bare(row)
    provider.terms_url()
    if eab is not None:
        provider_keys.write_eab(instance.place, name, eab)
        row.eab_kid = eab.kid
    _save(row)
    return {**show(instance, name), "specs": facts(row, provider.specs())["specs"]}


def reset(instance: Instance, name: str, eab: Eab | None = None) -> dict[str, Any]:
    """Register anew: a new account with a new key; the former key is kept beside it.

    Terms that were accepted stay accepted unless they changed. Raises Failure("provider_not_registered"), and as `use`.
    """
    row = _row(name)
    if row.account_url is None:
        remedy = f"autossl provider use {name} --accept-terms"
        raise Failure("provider_not_registered", f"{name}: has no account yet; make one: {remedy}", permanent=True)
    provider = _bare(row)
    terms = _agreed(row, provider, False)
    _register(instance, row, provider, _contact(instance, None), eab)
    row.terms_accepted = terms
    _save(row)
    return show(instance, name)


def _built_in() -> list[str]:
    return [name for name in registry.names("providers") if name != PLUGIN]


def _plugin(name: str) -> registry.Plugin:
    try:
        return registry.load("providers", name)
    except LookupError as error:
        raise Failure("provider_unknown", f"provider {error}", permanent=True) from error


def _row(name: str) -> models.Provider:
    """The row of a provider, a fresh unsaved one for a built-in one. Raises Failure("provider_unknown")."""
    row = models.Provider.get_or_none(models.Provider.name == name)
    if row is not None:
        return row
    if name not in _built_in():
        words = f"{name}: there is no such provider; see `autossl provider list`"
        raise Failure("provider_unknown", words, permanent=True)
    return models.Provider(name=name, plugin=name, added_at=now())


def _save(row: models.Provider) -> None:
    values = dict(row.__data__)
    models.Provider.insert(**values).on_conflict_replace().execute()


def _bare(row: models.Provider) -> Any:
    """The plug-in without its account: enough for facts and terms, and it works when the key is lost."""
    plugin = _plugin(row.plugin)
    return plugin.make(fill(plugin.options, json.loads(row.options), f"provider {row.name}"), None)


def _account(instance: Instance, row: models.Provider) -> AcmeAccount | None:
    if row.account_url is None:
        return None
    return AcmeAccount(row.account_url, provider_keys.read_key(instance.place, row.name), row.terms_accepted)


def _agreed(row: models.Provider, provider: Any, accept: bool) -> str | None:
    """The URL of the terms that hold now, accepted. Raises Failure("terms_not_accepted")."""
    terms: str | None = provider.terms_url()
    if terms is None or accept or terms == row.terms_accepted:
        return terms
    changed = "have changed" if row.terms_accepted else "must be accepted first"
    remedy = f"autossl provider use {row.name} --accept-terms"
    words = f"{row.name}: its terms of service {changed}. Read them at {terms}, then: {remedy}"
    raise Failure("terms_not_accepted", words, permanent=True)


def _register(
    instance: Instance, row: models.Provider, provider: Any, contact: str | None, eab: Eab | None
) -> None:
    """Make the account and keep its key before anything names it. The terms must have been accepted."""
    binding = eab or provider_keys.read_eab(instance.place, row.name)
    if provider.specs().eab_required and binding is None:
        remedy = f"autossl provider use {row.name} --accept-terms --eab-kid K --eab-hmac-file F"
        words = f"{row.name}: this CA wants an external account binding; get one from it, then: {remedy}"
        raise Failure("eab_required", words, permanent=True)
    account: AcmeAccount = provider.register(contact, True, binding)
    provider_keys.write_key(instance.place, row.name, account.key)
    if eab is not None:
        provider_keys.write_eab(instance.place, row.name, eab)
    row.account_url = account.url
    row.terms_accepted = account.terms_url
    row.eab_kid = binding.kid if binding else None
    _save(row)


def _contact(instance: Instance, given: str | None) -> str | None:
    """The address for the CA, from the command or the configuration. Raises Failure("contact_invalid")."""
    address = given if given is not None else instance.config.check.contact
    if not address:
        return None
    try:
        return mail_address(address)
    except InvalidName as error:
        raise Failure("contact_invalid", f"{address!r}: {error}", permanent=True) from error
