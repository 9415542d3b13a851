"""One account: what is known of it, its websites and where they were found, and what may be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import models
from jobs.policy.access import Right, Role
from jobs.policy.contact import mail_address
from jobs.policy.failure import Failure
from jobs.policy.features import DISABLED, ENABLED
from jobs.policy.site import UNASSIGNED, InvalidName
from jobs.wiring import accounts, features, manifests
from panel import hx, work
from panel.access import account_scope, needs, require_account
from panel.audit import audited, note
from panel.forms import Field
from panel.users import listing
from panel.users.tab import pages
from panel.wording import sentence

OVERRIDES: Mapping[str, str | None] = {"none": None, ENABLED: ENABLED, DISABLED: DISABLED}

MOST_WEBSITES = 100
"""Shown here; the account's SSL/TLS Status has pages of them."""


@dataclass(frozen=True)
class Settings:
    """What the form holds, as it was typed."""

    contact: str
    package: str
    override: str
    reseller: str


@pages.get("/account/<account>")
@needs(Right.MANAGE)
@account_scope
def show_account(account: str) -> ResponseReturnValue:
    if account == UNASSIGNED:
        return hx.redirect(url_for("users.unassigned"))
    return _page(require_account(account))


@pages.post("/account/<account>")
@needs(Right.MANAGE)
@account_scope
@audited("account.change")
def change_account(account: str) -> ResponseReturnValue:
    row = require_account(account)
    sent = _sent(row)
    errors = _faults(row, sent)
    if errors:
        return _page(row, sent, errors)
    note(object=_told(row, sent))
    try:
        changed = _change(row, sent)
    except Failure as failure:
        return _page(row, sent, {"contact": sentence(failure)})
    hx.say("The settings are kept." if changed else "Nothing was different, so nothing was changed.",
           "good" if changed else "info")
    return hx.redirect(url_for("users.show_account", account=account))


@pages.post("/account/<account>/suspend")
@needs(Right.MANAGE)
@account_scope
@audited("account.suspend")
def suspend(account: str) -> ResponseReturnValue:
    changed = accounts.suspend(work.instance(), account)
    hx.say(f"{account} is suspended: every check leaves it out." if changed else f"{account} was suspended already.")
    return hx.redirect(url_for("users.show_account", account=account))


@pages.post("/account/<account>/unsuspend")
@needs(Right.MANAGE)
@account_scope
@audited("account.unsuspend")
def unsuspend(account: str) -> ResponseReturnValue:
    changed = accounts.unsuspend(work.instance(), account)
    hx.say(f"{account} is active: checks include it." if changed else f"{account} was active already.", "good")
    return hx.redirect(url_for("users.show_account", account=account))


@pages.get("/account/<account>/remove")
@needs(Right.HOST)
@account_scope
def ask_to_remove(account: str) -> ResponseReturnValue:
    row = require_account(account)
    site = models.Website
    sites = site.select(site.main).where((site.account == account) & site.gone_at.is_null() & site.part_of.is_null())
    away = url_for("users.show_account", account=account)
    if row.source != manifests.SOURCE:
        hx.say(f"{account} was found by {row.source}. Remove it there, or suspend it here.", "warn")
        return hx.redirect(away)
    return hx.page_or_whole(
        "users/confirm.html",
        "users/_confirm.html",
        title=f"Remove the account {account}?",
        text="Its file in sites.d is deleted, and no check looks after these websites any more. Certificates that are"
        " installed stay where they are until they expire.",
        button="Remove the account",
        named=[main for (main,) in sites.tuples()],
        rest=0,
        action=url_for("users.remove_account", account=account),
        away=away,
        hidden={},
    )


@pages.post("/account/<account>/remove")
@needs(Right.HOST)
@account_scope
@audited("account.remove")
def remove_account(account: str) -> ResponseReturnValue:
    accounts.remove(work.instance(), account)
    hx.say(f"The account {account} is removed.", "good")
    return hx.redirect(url_for("users.show"))


def _page(
    row: models.Account, sent: Settings | None = None, errors: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    given = features.by_package()
    (line,) = listing.lines([row], given)
    sites = accounts.websites(row.name)
    text = render_template(
        "users/account.html",
        line=line,
        websites=sites[:MOST_WEBSITES],
        more=len(sites) - MOST_WEBSITES,
        fields=_fields(line, sent or _kept(row), errors or {}, sorted(given)),
        fixed=not manifests.changeable(work.instance(), row),
        removable=row.source == manifests.SOURCE,
        people=list(models.User.select().where(models.User.account == row.name).order_by(models.User.name)),
        active=line.check.active,
    )
    return text, 422 if errors else 200


def _kept(row: models.Account) -> Settings:
    return Settings(row.contact or "", row.package, row.override or "none", row.reseller or "")


def _sent(row: models.Account) -> Settings:
    """A field that the form does not have (what a file of sites.d says, what only an administrator may) stays."""
    kept, form = _kept(row), request.form
    return Settings(
        contact=form.get("contact", kept.contact).strip(),
        package=form.get("package", kept.package),
        override=form.get("override", kept.override),
        reseller=form.get("reseller", kept.reseller).strip() if Right.HOST in current_user.rights else kept.reseller,
    )


def _faults(row: models.Account, sent: Settings) -> dict[str, str]:
    """What is wrong, as a sentence by field. What stays as it is may be anything."""
    kept, errors = _kept(row), {}
    if sent.contact and sent.contact != kept.contact:
        try:
            mail_address(sent.contact)
        except InvalidName as error:
            errors["contact"] = f"This can't be used: {error}."
    if sent.package != kept.package and sent.package not in features.by_package():
        errors["package"] = "There is no such package."
    if sent.override not in OVERRIDES:
        errors["override"] = "Expected one of the choices."
    if sent.reseller not in ("", kept.reseller) and sent.reseller not in _resellers():
        errors["reseller"] = "No reseller of that name may sign in."
    return errors


def _change(row: models.Account, sent: Settings) -> bool:
    """Raises Failure("account_not_ours"), Failure("name_invalid")."""
    kept, instance = _kept(row), work.instance()
    changed = sent != kept
    with models.database.atomic():
        if sent.contact != kept.contact:
            accounts.set_contact(instance, row.name, sent.contact or None)
        if sent.reseller != kept.reseller:
            accounts.set_reseller(instance, row.name, sent.reseller or None)
        if sent.package != kept.package:
            features.give_package(instance, [row.name], sent.package)
        features.override([row.name], OVERRIDES[sent.override])
    return changed


def _told(row: models.Account, sent: Settings) -> str:
    """For the audit log: what is to be different."""
    kept = _kept(row)
    parts = [f"{name}={getattr(sent, name) or 'none'}" for name in ("contact", "package", "override", "reseller")
             if getattr(sent, name) != getattr(kept, name)]
    return " ".join([row.name, *parts])


def _fields(line: listing.Line, now: Settings, errors: Mapping[str, str], packages: list[str]) -> dict[str, Field]:
    row = line.row
    known = dict.fromkeys([*packages, row.package])
    default = "Enabled" if line.entitlement.features.autossl else "Disabled"
    choices = (("none", f"{default} (feature list default)"), (ENABLED, "Enabled"), (DISABLED, "Disabled"))
    resellers = tuple(dict.fromkeys([*_resellers(), *([row.reseller] if row.reseller else [])]))
    return {
        "contact": Field("contact", "contact", "Contact", "Mail address; empty for none.", "text", now.contact,
                         error=errors.get("contact", "")),
        "package": Field("package", "package", "Package", "It names the feature list.", "select", now.package,
                         tuple((name, name) for name in known), error=errors.get("package", "")),
        "override": Field("override", "override", "AutoSSL", "An override wins over the feature list.", "select",
                          now.override, choices, error=errors.get("override", "")),
        "reseller": Field("reseller", "reseller", "Reseller", "May manage this account, if the options allow it.",
                          "select", now.reseller, (("", "none"), *((name, name) for name in resellers)),
                          error=errors.get("reseller", "")),
    }


def _resellers() -> list[str]:
    query = models.User.select(models.User.name).where(models.User.role == Role.RESELLER).order_by(models.User.name)
    return [name for (name,) in query.tuples()]


