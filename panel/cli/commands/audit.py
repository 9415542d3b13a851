"""`autossl audit`."""

from __future__ import annotations

import click

from panel.cli.output import Answer, table
from panel.cli.session import Session, answering


@click.group("audit")
def command() -> None:
    """Who changed what, when, and from where."""


@command.command("list")
@click.option("--search", "text", default="", metavar="TEXT", help="Only entries that hold this anywhere.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@answering
def listed(session: Session, text: str, limit: int) -> Answer:
    """List what was done, the newest first. Entries are kept for a year."""
    session.instance()
    from jobs.wiring import audit

    found = audit.newest(text, limit)
    head = ("when", "who", "action", "what", "from", "result")
    rows = [(one["at"], one["who"], one["action"], one["object"], one["origin"], one["result"]) for one in found]
    return Answer({"entries": found}, table(head, rows) if rows else "There is no such entry.")
