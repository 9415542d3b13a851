"""`autossl queue`."""

from __future__ import annotations

import click

from panel.cli.output import Answer, table
from panel.cli.session import Session, answering


@click.group("queue")
def command() -> None:
    """Pending work: checks that were asked for, orders that a CA has not finished."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List the pending entries."""
    session.instance()
    from jobs.wiring import pending

    found = pending.list_pending()
    rows = [
        (one["id"], one["kind"], one["state"], one["account"] or "all", one["website"], one["provider"],
         one["requested"], one["next_try"], one["answer"])
        for one in found
    ]
    head = ("id", "kind", "state", "account", "website", "provider", "requested", "next try", "last answer")
    return Answer({"entries": found}, table(head, rows) if rows else "Nothing is pending.")


@command.command("retry")
@click.argument("entry", type=int)
@answering
def retry(session: Session, entry: int) -> Answer:
    """Try an entry now, whatever its next try was."""
    instance = session.instance()
    from jobs.wiring import pending

    found = pending.retry(instance, entry)
    return Answer(found, f"Entry {entry} is tried now (by `autossl serve`, or the next check).")


@command.command("cancel")
@click.argument("entry", type=int)
@answering
def cancel(session: Session, entry: int) -> Answer:
    """Give an entry up; a check that is running ends after the account that it works on."""
    instance = session.instance()
    from jobs.wiring import pending

    found = pending.cancel(instance, entry)
    became = "ends after the account that it works on" if found["state"] == "running" else "is cancelled"
    return Answer(found, f"Entry {entry} {became}.")
