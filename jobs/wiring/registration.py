"""Accounts at CAs: terms accepted, a binding where it is wanted, the key kept before anything names it."""

from __future__ import annotations

import json
from typing import Any

import models
from jobs.policy.contact import mail_address
from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName
from jobs.ports import AcmeAccount, Eab
from jobs.wiring import provider_keys
from jobs.wiring.instance import Instance, now
from jobs.wiring.provider_rows import asked, save

WAIT_FOR_ACCOUNT = (
    "account_deactivated", "account_gone", "account_key_missing", "account_missing", "eab_required", "terms_changed",
)
"""Problems that end with an account whose terms are accepted."""


def agreed(row: models.Provider, provider: Any, accept: bool | str) -> str | None:
    """The URL of the terms that hold now, accepted. Raises Failure("terms_not_accepted"), and what the CA answers.

    `accept`: whatever they are now, or the URL of those that were read.
    """
    terms = asked(row, provider).terms_url
    if terms is None or accept is True or terms in (accept, row.terms_accepted):
        return terms
    changed = "have changed" if row.terms_accepted else "must be accepted first"
    remedy = f"autossl provider use {row.name} --accept-terms"
    words = f"{row.name}: its terms of service {changed}. Read them at {terms}, then: {remedy}"
    raise Failure("terms_not_accepted", words, permanent=True)


def register(
    instance: Instance, row: models.Provider, provider: Any, contact: str | None, eab: Eab | None
) -> None:
    """Make the account and keep its key before anything names it. The terms must have been accepted.

    `contact` None: the address that the CA has already, or that of the configuration.
    Raises Failure("eab_required"), Failure("contact_invalid"), and what the CA answers.
    """
    address = _address(instance, row, contact)
    binding = eab or provider_keys.read_eab(instance.place, row.name)
    if provider.specs().eab_required and binding is None:
        remedy = f"autossl provider use {row.name} --accept-terms --eab-kid K --eab-hmac-file F"
        words = f"{row.name}: this CA wants an external account binding; get one from it, then: {remedy}"
        raise Failure("eab_required", words, permanent=True)
    account: AcmeAccount = provider.register(address, True, binding)
    provider_keys.write_key(instance.place, row.name, account.key)
    if eab is not None:
        provider_keys.write_eab(instance.place, row.name, eab)
    if row.account_url and row.account_url != account.url:
        former = dict.fromkeys([*json.loads(row.former_accounts or "[]"), row.account_url])
        row.former_accounts = json.dumps([url for url in former if url != account.url])
    row.account_url = account.url
    row.terms_accepted = account.terms_url
    row.eab_kid = binding.kid if binding else None
    row.contact = address
    save(row)


def take_up_again() -> None:
    """What waited for an account is tried at the next look, not a day later."""
    problems = models.Problem
    waits = problems.code.in_(WAIT_FOR_ACCOUNT) & (problems.retry_at > now())  # type: ignore[attr-defined]
    problems.update(retry_at=now()).where(waits).execute()


def _address(instance: Instance, row: models.Provider, given: str | None) -> str | None:
    """The contact for the CA. Raises Failure("contact_invalid")."""
    address = given if given is not None else row.contact or instance.config.check.contact
    return checked_contact(address) if address else None


def checked_contact(address: str) -> str:
    """Raises Failure("contact_invalid")."""
    try:
        return mail_address(address)
    except InvalidName as error:
        raise Failure("contact_invalid", f"{address!r}: {error}", permanent=True) from error
