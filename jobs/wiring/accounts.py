"""Accounts as an administrator sees and changes them; what was discovered stays the sources' business."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import models
from jobs.accounts.manifest import Manifest, manifest_path, manifest_text
from jobs.policy.contact import mail_address
from jobs.policy.failure import Failure
from jobs.policy.site import Account, AccountState, InvalidName, Website, account_name, hostname
from jobs.report import stamp
from jobs.store import write_secret
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance

MANIFEST = "manifest"


def list_accounts(instance: Instance) -> list[dict[str, Any]]:
    """Every account that exists, with the number of its websites, by name."""
    counts: dict[str, int] = {}
    for (owner,) in models.Website.select(models.Website.account).where(models.Website.gone_at.is_null()).tuples():
        counts[owner] = counts.get(owner, 0) + 1
    rows = models.Account.select().where(models.Account.gone_at.is_null()).order_by(models.Account.name)
    return [{**_facts(row), "websites": counts.get(row.name, 0)} for row in rows]


def show(instance: Instance, name: str) -> dict[str, Any]:
    """One account and its websites. Raises Failure("account_unknown")."""
    row = _row(name)
    ends = {
        website: not_after
        for website, not_after in models.Certificate.select(models.Certificate.website, models.Certificate.not_after)
        .where(models.Certificate.retired_at.is_null()).tuples()
    }
    sites = models.Website.select().where((models.Website.account == name) & models.Website.gone_at.is_null())
    return {**_facts(row), "websites": [
        {
            "website": site.main,
            "names": json.loads(site.names),
            "rejected": json.loads(site.rejected),
            "docroot": site.docroot,
            "where": f"{site.file}:{site.line}" if site.file and site.line else site.file or site.source,
            "not_after": stamp(ends.get(site.main)),
        }
        for site in sites.order_by(models.Website.id)
    ]}


def add(
    instance: Instance, name: str, contact: str | None, package: str, names: Sequence[str], docroot: str | None
) -> dict[str, Any]:
    """Add an account as a manifest, and take it over at once.

    Raises Failure("account_exists"), Failure("name_invalid"), Failure("contact_invalid"), Failure("path_invalid").
    """
    path = manifest_path(instance.place, name)
    row = models.Account.get_or_none(models.Account.name == name)
    if path.exists() or (row is not None and row.gone_at is None):
        raise Failure("account_exists", f"{name}: there is an account of that name already", permanent=True)
    account = Account(_valid(account_name, name), _contact(contact), _valid(account_name, package))
    own = tuple(dict.fromkeys(_valid(hostname, text) for text in names))
    if own[0].startswith("*."):
        raise Failure("name_invalid", f"{own[0]}: expected the main name first, which is no wildcard", permanent=True)
    write_secret(path, manifest_text(Manifest(account, (Website(name, own, _docroot(docroot)),))))
    try:
        discover(instance)
        return show(instance, name)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def remove(instance: Instance, name: str) -> None:
    """Remove an account that `add` made. Raises Failure("account_unknown"), Failure("account_not_ours")."""
    row = _row(name)
    path = manifest_path(instance.place, name)
    if row.source != MANIFEST or not path.exists():
        words = f"{name}: found by {row.source}, not added here; remove it there, or suspend it: "
        raise Failure("account_not_ours", f"{words}autossl account suspend {name}", permanent=True)
    path.unlink()
    discover(instance)


def suspend(instance: Instance, name: str) -> bool:
    """Leave the account out of every check; whether that changed anything."""
    return _switch(name, AccountState.SUSPENDED)


def unsuspend(instance: Instance, name: str) -> bool:
    return _switch(name, AccountState.ACTIVE)


def _switch(name: str, state: AccountState) -> bool:
    row = _row(name)
    if row.state == state:
        return False
    models.Account.update(state=str(state)).where(models.Account.name == name).execute()
    return True


def _row(name: str) -> models.Account:
    row = models.Account.get_or_none((models.Account.name == name) & models.Account.gone_at.is_null())
    if row is None:
        words = f"{name}: there is no such account; see `autossl account list`"
        raise Failure("account_unknown", words, permanent=True)
    return row


def _facts(row: models.Account) -> dict[str, Any]:
    return {
        "account": row.name,
        "state": row.state,
        "contact": row.contact,
        "package": row.package,
        "source": row.source,
        "override": row.override,
    }


def _valid(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except InvalidName as error:
        raise Failure("name_invalid", f"{text!r}: {error}", permanent=True) from error


def _contact(text: str | None) -> str | None:
    try:
        return mail_address(text) if text else None
    except InvalidName as error:
        raise Failure("contact_invalid", f"{text!r}: {error}", permanent=True) from error


def _docroot(text: str | None) -> str | None:
    if text is not None and not (text.startswith("/") and text.isprintable()):
        raise Failure("path_invalid", f"{text!r}: expected the absolute path of the document root", permanent=True)
    return text
