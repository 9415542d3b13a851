"""`autossl notify`."""

from __future__ import annotations

from typing import Any

import click

from panel.cli.output import Answer, table
from panel.cli.session import Session, answering


@click.group("notify")
def command() -> None:
    """What people are told: messages that wait or failed, and whether they can be sent. See `autossl plugin` too."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List messages that wait for their sending, and those that were given up lately."""
    session.instance()
    from jobs.wiring import messages
    from jobs.wiring.instance import now

    found = [messages.facts(row) for row in (*messages.waiting(), *messages.given_up(now()))]
    return Answer({"messages": found}, _shown(found) if found else "None waits, and none was given up lately.")


@command.command("test")
@click.argument("address", required=False, default="")
@click.option("--notifier", metavar="NAME", help="Only by this one, such as smtp. Default: each that is in use.")
@answering
def test(session: Session, address: str, notifier: str | None) -> Answer:
    """Send a test message now, to ADDRESS or to every administrator, and say what became of it."""
    instance = session.instance()
    from jobs.wiring import messages
    from jobs.wiring.sending import send_now
    from panel.mail import render

    rows = messages.tests(instance, notifier, address)
    failures = [send_now(instance, render, row) for row in rows]
    found = [messages.facts(row) for row in rows]
    return Answer({"messages": found}, _shown(found), not any(failures))


def _shown(found: list[dict[str, Any]]) -> str:
    rows = [
        (one["channel"], one["recipient"] or "-", one["state"], one["next_try"] or one["finished"], one["answer"])
        for one in found
    ]
    return table(("by", "to", "state", "since, or next try", "the last answer"), rows)
