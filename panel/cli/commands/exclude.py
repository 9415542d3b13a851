"""`autossl exclude`."""

from __future__ import annotations

import click

from panel.cli.output import Answer, count, table
from panel.cli.session import Session, answering


@click.group("exclude")
def command() -> None:
    """Names that are kept out of AutoSSL."""


@command.command("list")
@click.argument("account")
@answering
def listed(session: Session, account: str) -> Answer:
    """List the excluded names of an account."""
    instance = session.instance()
    from jobs.wiring import accounts, exclusions

    accounts.show(instance, account)
    found = exclusions.excluded(account)
    text = table(("excluded",), [(name,) for name in found]) if found else "No name is excluded."
    return Answer({"account": account, "excluded": found}, text)


@command.command("add")
@click.argument("account")
@click.argument("names", nargs=-1, required=True)
@answering
def add(session: Session, account: str, names: tuple[str, ...]) -> Answer:
    """Keep names of an account out."""
    return _changed(session, account, names, True)


@command.command("remove")
@click.argument("account")
@click.argument("names", nargs=-1, required=True)
@answering
def remove(session: Session, account: str, names: tuple[str, ...]) -> Answer:
    """Take names in again."""
    return _changed(session, account, names, False)


def _changed(session: Session, account: str, names: tuple[str, ...], out: bool) -> Answer:
    instance = session.instance()
    from jobs.wiring import accounts, exclusions

    accounts.show(instance, account)
    changed = (exclusions.exclude if out else exclusions.include)(instance, account, names)
    found = exclusions.excluded(account)
    word = "excluded" if out else "included"
    return Answer({"account": account, "changed": changed, "excluded": found}, f"{count(changed, 'name')} {word}.")
