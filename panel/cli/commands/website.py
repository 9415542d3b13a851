"""`autossl website`."""

from __future__ import annotations

import click

from panel.cli.output import Answer, count, day, table, yes
from panel.cli.session import Session, answering


@click.group("website")
def command() -> None:
    """Websites, and who looks after their certificates."""


@command.command("list")
@click.option("--foreign", is_flag=True, help="Only those that present a certificate of somebody else's.")
@answering
def listed(session: Session, foreign: bool) -> Answer:
    """List the websites as the last check saw them: whose certificate they have, and until when."""
    session.instance()
    from jobs.wiring import takeover

    found = takeover.listed(foreign)
    head = ("website", "account", "certificate of", "managed by", "expires", "take over")
    rows = [
        (one["website"], one["account"], one["issuer"] or "-",
         (one["managed_by"] or "others") if one["foreign"] else "AutoSSL" if one["issuer"] else "-",
         day(one["not_after"]), yes(one["takeover"]))
        for one in found
    ]
    none = "No website presents a certificate of somebody else's." if foreign else "There are no websites."
    return Answer({"websites": found}, table(head, rows) if rows else none)


@command.command("takeover")
@click.argument("choice", type=click.Choice(["on", "off"]))
@click.argument("websites", nargs=-1, required=True, metavar="WEBSITE...")
@answering
def takeover(session: Session, choice: str, websites: tuple[str, ...]) -> Answer:
    """Let AutoSSL replace the certificates that others installed for these websites, valid or not (on), or leave them
    alone again (off, as it is in the beginning). What was replaced stays so."""
    session.instance()
    from jobs.wiring import takeover as switches

    changed = switches.switch(websites, choice == "on")
    text = f"{count(len(changed), 'website')} changed."
    if changed and choice == "on":
        text += " The next check orders a certificate of AutoSSL's own for each that has none, and installs it."
    return Answer({"choice": choice, "changed": changed}, text)
