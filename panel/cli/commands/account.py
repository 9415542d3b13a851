"""`autossl account`."""

from __future__ import annotations

from typing import Any

import click

from panel.cli.commands.discover import told
from panel.cli.output import Answer, count, day, facts, table
from panel.cli.session import Session, answering


@click.group("account")
def command() -> None:
    """Accounts: hosting users and the websites they own."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List the accounts."""
    instance = session.instance()
    from jobs.wiring import accounts

    found = accounts.list_accounts(instance)
    rows = [(a["account"], a["state"], a["package"], a["contact"] or "-", a["source"], a["websites"]) for a in found]
    head = ("account", "state", "package", "contact", "source", "websites")
    text = table(head, rows) if rows else "There are no accounts. `autossl discover` looks for them."
    return Answer({"accounts": found}, text)


@command.command("show")
@click.argument("name")
@answering
def show(session: Session, name: str) -> Answer:
    """Show one account and its websites."""
    instance = session.instance()
    from jobs.wiring import accounts

    found = accounts.show(instance, name)
    return Answer(found, _text(found))


@command.command("add")
@click.argument("name")
@click.option("--contact", metavar="ADDRESS", help="Mail address of the account.")
@click.option("--package", default="default", show_default=True, help="Package of the account.")
@click.option("--name", "names", multiple=True, required=True, metavar="FQDN",
              help="A name of its website, the main one first; may be given several times.")
@click.option("--docroot", metavar="DIR", help="Document root of the website.")
@answering
def add(
    session: Session, name: str, contact: str | None, package: str, names: tuple[str, ...], docroot: str | None
) -> Answer:
    """Add an account that no web server names, as a manifest in sites.d."""
    instance = session.instance()
    from jobs.wiring import accounts, first_checks

    found = accounts.add(instance, name, contact, package, names, docroot)
    asked = first_checks.ask([name])
    return Answer({**found, "checks": asked}, "\n\n".join([f"Added the account {name}.", _text(found), *told(asked)]))


@command.command("remove")
@click.argument("name")
@answering
def remove(session: Session, name: str) -> Answer:
    """Remove an account that was added by `account add`. Its certificates stay where they are."""
    instance = session.instance()
    from jobs.wiring import accounts

    accounts.remove(instance, name)
    return Answer({"account": name, "removed": True}, f"Removed the account {name}.")


@command.command("suspend")
@click.argument("name")
@answering
def suspend(session: Session, name: str) -> Answer:
    """Leave an account out of every check."""
    return _switched(session, name, True)


@command.command("unsuspend")
@click.argument("name")
@answering
def unsuspend(session: Session, name: str) -> Answer:
    """Take a suspended account into the checks again."""
    return _switched(session, name, False)


@command.command("override")
@click.argument("choice", type=click.Choice(["enabled", "disabled", "none"]))
@click.argument("names", nargs=-1, required=True)
@answering
def override(session: Session, choice: str, names: tuple[str, ...]) -> Answer:
    """Enable or disable AutoSSL for accounts whatever their feature list says, or take that back (none)."""
    instance = session.instance()
    from jobs.wiring import accounts, features

    for name in names:
        accounts.show(instance, name)
    changed = features.override(names, None if choice == "none" else choice)
    return Answer({"choice": choice, "changed": changed}, f"{count(changed, 'account')} changed.")


@command.command("package")
@click.argument("package")
@click.argument("names", nargs=-1, required=True)
@answering
def package(session: Session, package: str, names: tuple[str, ...]) -> Answer:
    """Give accounts a package."""
    instance = session.instance()
    from jobs.wiring import accounts, features

    for name in names:
        accounts.show(instance, name)
    changed = features.give_package(instance, names, package)
    return Answer({"package": package, "changed": changed}, f"{count(changed, 'account')} changed.")


@command.command("contact")
@click.argument("name")
@click.argument("address", required=False)
@answering
def contact(session: Session, name: str, address: str | None) -> Answer:
    """Set the mail address of an account, or without ADDRESS take it away."""
    instance = session.instance()
    from jobs.wiring import accounts

    changed = accounts.set_contact(instance, name, address)
    said = f"The contact of {name} is {address}." if address else f"{name} has no contact."
    return Answer({"account": name, "contact": address, "changed": changed}, said)


@command.command("reseller")
@click.argument("name")
@click.argument("reseller", required=False)
@answering
def reseller(session: Session, name: str, reseller: str | None) -> Answer:
    """Give an account to a reseller, or without RESELLER to none."""
    instance = session.instance()
    from jobs.wiring import accounts

    changed = accounts.set_reseller(instance, name, reseller)
    said = f"{name} belongs to the reseller {reseller}." if reseller else f"{name} belongs to no reseller."
    return Answer({"account": name, "reseller": reseller, "changed": changed}, said)


@command.command("notify")
@click.argument("level", type=click.Choice(["all", "warnings", "failures", "off", "default"]))
@click.argument("name")
@answering
def notify(session: Session, level: str, name: str) -> Answer:
    """Choose what an account's owner is mailed about, within what the options allow (default: as they say)."""
    instance = session.instance()
    from jobs.wiring import accounts, own_level

    accounts.show(instance, name)
    own_level.choose(instance.config, name, None if level == "default" else level)
    return Answer({"account": name, "level": level}, f"{name}: {level}.")


@command.command("assign")
@click.argument("website")
@click.argument("name")
@answering
def assign(session: Session, website: str, name: str) -> Answer:
    """Give a website whose owner could not be told (account `unassigned`) to an account."""
    instance = session.instance()
    from jobs.policy.site import UNASSIGNED
    from jobs.wiring import features, first_checks

    found = features.assign(instance, website, name)
    asked = first_checks.ask([name] if name != UNASSIGNED else [])
    return Answer({**found, "checks": asked}, "\n".join([f"{website} belongs to {name}.", *told(asked)]))


def _switched(session: Session, name: str, suspended: bool) -> Answer:
    instance = session.instance()
    from jobs.wiring import accounts

    changed = accounts.suspend(instance, name) if suspended else accounts.unsuspend(instance, name)
    state = "suspended" if suspended else "active"
    text = f"{name} is {state}." if changed else f"{name} was {state} already. Nothing was changed."
    return Answer({"account": name, "state": state, "changed": changed}, text)


def _text(found: dict[str, Any]) -> str:
    head = facts([
        ("account", found["account"]), ("state", found["state"]), ("contact", found["contact"]),
        ("package", found["package"]), ("reseller", found["reseller"]), ("source", found["source"]),
        ("AutoSSL", found["override"] or "by its package"),
    ])
    rows = [
        (site["website"], " ".join(site["names"]), site["docroot"], site["where"], day(site["not_after"]))
        for site in found["websites"]
    ]
    sites = table(("website", "names", "docroot", "found in", "expires"), rows) if rows else "no websites"
    refused = [(text, why) for site in found["websites"] for text, why in site["rejected"]]
    parts = [head, sites, *([table(("not a host name", "why"), refused)] if refused else [])]
    return "\n\n".join(parts)
