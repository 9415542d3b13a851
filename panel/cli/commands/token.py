"""`autossl token`."""

from __future__ import annotations

import click

from panel.cli.output import Answer, day, table
from panel.cli.session import Session, answering


@click.group("token")
def command() -> None:
    """Keys to the JSON API."""


@command.command("list")
@click.option("--user", metavar="NAME", help="Only the tokens of one user.")
@answering
def listed(session: Session, user: str | None) -> Answer:
    """List the tokens. What they are is shown nowhere any more."""
    session.instance()
    from jobs.wiring import people, tokens

    found = tokens.listed(people.find(user) if user else None)
    rows = [
        (one["token"], one["user"], one["label"], one["scope"], one["account"] or "-",
         "expired" if one["expired"] else day(one["expires_at"]), day(one["used_at"]))
        for one in found
    ]
    head = ("token", "user", "label", "scope", "account", "expires", "last used")
    return Answer({"tokens": found}, table(head, rows) if rows else "There are no tokens.")


@command.command("add")
@click.option("--user", required=True, metavar="NAME", help="Whose rights it has, at most.")
@click.option("--label", required=True, metavar="TEXT", help="What it is for.")
@click.option("--scope", type=click.Choice(["read", "check", "manage"]), default="read", show_default=True,
              help="What it may do: look; start checks too; everything that the user may.")
@click.option("--account", metavar="ACCOUNT", help="The only account that it reaches.")
@click.option("--days", type=int, default=90, show_default=True, help="How long it holds, at most 366.")
@answering
def add(session: Session, user: str, label: str, scope: str, account: str | None, days: int) -> Answer:
    """Make a token and show it, only this once."""
    session.instance()
    from jobs.wiring import people, tokens

    text, facts = tokens.make(people.find(user), label, scope, account, days)
    lines = [f"Made the token {facts['token']} of {user}, valid until {day(facts['expires_at'])}.",
             f"Shown only this once: {text}"]
    return Answer({**facts, "secret": text}, "\n".join(lines))


@command.command("revoke")
@click.argument("token")
@answering
def revoke(session: Session, token: str) -> Answer:
    """End a token at once, by the name that `token list` shows."""
    session.instance()
    from jobs.wiring import tokens

    tokens.revoke(token)
    return Answer({"token": token, "revoked": True}, f"The token {token} is of no use any more.")
