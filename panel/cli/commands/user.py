"""`autossl user`: users of one account, and resellers."""

from __future__ import annotations

import click

from panel.cli import passwords
from panel.cli.output import Answer, table, yes
from panel.cli.session import Session, answering


@click.group("user")
def command() -> None:
    """Everybody who may log in: users of one account, resellers, administrators."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List everybody who may log in."""
    session.instance()
    from jobs.wiring import people

    found = people.people()
    rows = [(one["name"], one["role"], one["account"] or "-", yes(one["password"]), yes(one["totp"])) for one in found]
    allowed = people.resellers_allowed()
    text = table(("name", "role", "account", "password", "two-step"), rows)
    note = "" if allowed else "\n\nResellers may do nothing at present: autossl option set resellers on"
    return Answer({"users": found, "resellers_allowed": allowed}, text + note)


@command.command("add")
@click.argument("name")
@click.option("--account", metavar="ACCOUNT", help="The account that the user belongs to.")
@click.option("--role", type=click.Choice(["user", "reseller"]), default="user", show_default=True,
              help="A reseller sees the accounts that name it as their reseller.")
@passwords.password_options
@answering
def add(
    session: Session, name: str, account: str | None, role: str, password_file: str | None, link: bool
) -> Answer:
    """Let the user of an account, or a reseller, log in."""
    if (role == "user") == (account is None):
        raise click.UsageError("expected --account for a user, and none for a reseller")
    password = passwords.given(password_file, link)
    instance = session.instance()
    from jobs.policy.access import Role
    from jobs.wiring import people

    people.check_name(name)
    chosen = passwords.choose(session, password, link)
    user = people.create(name, chosen.password, Role(role), account)
    shown, told = passwords.told(chosen, user, instance.config.panel)
    whose = f" of the account {account}" if account else ""
    return Answer({**people.facts(user), **shown}, "\n".join([f"Added the {role} {name}{whose}.", *told]))


@command.command("contact")
@click.argument("name")
@click.argument("address", required=False)
@answering
def contact(session: Session, name: str, address: str | None) -> Answer:
    """Have a reseller mailed at ADDRESS about the accounts that are theirs, or nowhere."""
    session.instance()
    from jobs.wiring import people

    people.set_contact(name, address)
    text = f"{name} is mailed at {address}." if address else f"{name} is mailed nowhere."
    return Answer({"name": name, "contact": address}, text)


@command.command("remove")
@click.argument("name")
@answering
def remove(session: Session, name: str) -> Answer:
    """Let somebody log in no more. The account stays as it is."""
    session.instance()
    from jobs.wiring import people

    people.remove(name)
    return Answer({"name": name, "removed": True}, f"{name} may log in no more.")
