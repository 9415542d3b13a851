"""Accounts as an administrator sees and changes them; what was discovered stays the sources' business."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from peewee import fn

import models
from jobs import records
from jobs.accounts.manifest import Manifest, manifest_path, manifest_text
from jobs.policy.access import Role
from jobs.policy.contact import mail_address
from jobs.policy.failure import Failure
from jobs.policy.site import UNASSIGNED, Account, AccountState, InvalidName, Website, account_name, hostname
from jobs.report import stamp
from jobs.store import write_secret
from jobs.wiring import manifests
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance

Site = tuple[Sequence[str], str | None]
"""Names, the main one first, and the document root."""


def list_accounts(instance: Instance) -> list[dict[str, Any]]:
    """Every account that exists, with the number of its websites, by name."""
    site = models.Website
    counted = site.select(site.account, fn.COUNT(site.id)).where(_found(site)).group_by(site.account)
    counts: dict[str, int] = dict(counted.tuples())
    rows = models.Account.select().where(models.Account.gone_at.is_null()).order_by(models.Account.name)
    return [{**_facts(row), "websites": counts.get(row.name, 0)} for row in rows]


def show(instance: Instance, name: str) -> dict[str, Any]:
    """One account and its websites. Raises Failure("account_unknown")."""
    return {**_facts(_row(name)), "websites": websites(name)}


def websites(account: str) -> list[dict[str, Any]]:
    """The websites of an account in the order in which they were found, each with where that was."""
    query = models.Website.select().where((models.Website.account == account) & _found(models.Website))
    sites = list(query.order_by(models.Website.id))
    live = records.live_certificates([site.main for site in sites])
    return [
        {
            "website": site.main,
            "names": json.loads(site.names),
            "rejected": json.loads(site.rejected),
            "docroot": site.docroot,
            "where": f"{site.file}:{site.line}" if site.file and site.line else site.file or site.source,
            "not_after": stamp(live[site.main].not_after if site.main in live else None),
        }
        for site in sites
    ]


def add(
    instance: Instance,
    name: str,
    contact: str | None,
    package: str,
    names: Sequence[str],
    docroot: str | None,
    more: Iterable[Site] = (),
) -> dict[str, Any]:
    """Add an account as a manifest with one website, or with `more`, and take it over at once.

    Raises Failure("account_exists"), Failure("name_invalid"), Failure("contact_invalid"), Failure("path_invalid").
    """
    path = manifest_path(instance.place, name)
    row = models.Account.get_or_none(models.Account.name == name)
    if path.exists() or name == UNASSIGNED or (row is not None and row.gone_at is None):
        raise Failure("account_exists", f"{name}: there is an account of that name already", permanent=True)
    account = Account(_valid(account_name, name), _contact(contact), _valid(account_name, package))
    websites = tuple(Website(name, _names(own), _docroot(root)) for own, root in ((names, docroot), *more))
    write_secret(path, manifest_text(Manifest(account, websites)))
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
    if row.source != manifests.SOURCE or not path.exists():
        words = f"{name}: found by {row.source}, not added here; remove it there, or suspend it: "
        raise Failure("account_not_ours", f"{words}autossl account suspend {name}", permanent=True)
    path.unlink()
    discover(instance)


def set_contact(instance: Instance, name: str, contact: str | None) -> bool:
    """Mail address of an account; whether that changed anything.

    Raises Failure("account_unknown"), Failure("contact_invalid"), Failure("account_not_ours").
    """
    return _change(instance, _row(name), contact=_contact(contact))


def set_reseller(instance: Instance, name: str, reseller: str | None) -> bool:
    """Give an account to a reseller, or to none; whether that changed anything.

    Raises Failure("account_unknown"), Failure("user_unknown"), Failure("name_invalid"), Failure("account_not_ours").
    """
    row = _row(name)
    if reseller is not None:
        known = (models.User.name == reseller) & (models.User.role == Role.RESELLER)
        if not models.User.select().where(known).exists():
            raise Failure("user_unknown", f"{reseller}: no reseller of that name may log in", permanent=True)
        _valid(account_name, reseller)
    return _change(instance, row, reseller=reseller)


def suspend(instance: Instance, name: str) -> bool:
    """Leave the account out of every check; whether that changed anything."""
    return _switch(name, AccountState.SUSPENDED)


def unsuspend(instance: Instance, name: str) -> bool:
    return _switch(name, AccountState.ACTIVE)


def _found(site: Any) -> Any:
    """The condition for websites that were found, and exist; their parts are not counted."""
    return site.gone_at.is_null() & site.part_of.is_null()


def _switch(name: str, state: AccountState) -> bool:
    row = _row(name)
    if row.state == state:
        return False
    models.Account.update(state=str(state)).where(models.Account.name == name).execute()
    return True


def _change(instance: Instance, row: models.Account, **facts: str | None) -> bool:
    """Change facts of an account where they are kept: in the row, and in its manifest if it has one."""
    if all(getattr(row, fact) == value for fact, value in facts.items()):
        return False
    if manifests.told_by_manifest(row.source):
        manifests.change(instance, row.name, lambda kept: replace(kept, account=replace(kept.account, **facts)))
    models.Account.update(**facts).where(models.Account.name == row.name).execute()
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
        "reseller": row.reseller,
        "source": row.source,
        "override": row.override,
    }


def _valid(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except InvalidName as error:
        raise Failure("name_invalid", f"{text!r}: {error}", permanent=True) from error


def _names(texts: Sequence[str]) -> tuple[str, ...]:
    own = tuple(dict.fromkeys(_valid(hostname, text) for text in texts))
    if not own or own[0].startswith("*."):
        first = own[0] if own else "no name"
        raise Failure("name_invalid", f"{first}: expected the main name first, which is no wildcard", permanent=True)
    return own


def _contact(text: str | None) -> str | None:
    try:
        return mail_address(text) if text else None
    except InvalidName as error:
        raise Failure("contact_invalid", f"{text!r}: {error}", permanent=True) from error


def _docroot(text: str | None) -> str | None:
    if text is not None and not (text.startswith("/") and text.isprintable()):
        raise Failure("path_invalid", f"{text!r}: expected the absolute path of the document root", permanent=True)
    return text
