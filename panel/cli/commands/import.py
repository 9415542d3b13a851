"""`autossl import`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from panel.cli.output import Answer, count, day, plain, table
from panel.cli.session import Session, answering


@click.group("import")
def command() -> None:
    """Take over certificates of other clients, with their keys and dates: nothing is ordered for that."""


_plan = click.option("--plan", is_flag=True, help="Show what would be taken over, and why not; change nothing.")
_website = click.option("--website", "websites", multiple=True, metavar="NAME",
                        help="Only for this website; may be given several times.")


def _directory(default: str) -> Any:
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--directory", type=kind, default=Path(default), show_default=True,
                        help="Where the client keeps everything.")


@command.command("certbot")
@_plan
@_website
@_directory("/etc/letsencrypt")
@answering
def certbot(session: Session, plan: bool, websites: tuple[str, ...], directory: Path) -> Answer:
    """Take over what certbot has in its live/ directory. Nothing of certbot is changed."""
    return _imported(session, "certbot", plan, websites, directory)


@command.command("acme.sh")
@_plan
@_website
@_directory("/root/.acme.sh")
@answering
def acme_sh(session: Session, plan: bool, websites: tuple[str, ...], directory: Path) -> Answer:
    """Take over what acme.sh has in its home directory. Nothing of acme.sh is changed."""
    return _imported(session, "acme.sh", plan, websites, directory)


def _imported(session: Session, client: str, plan: bool, websites: tuple[str, ...], directory: Path) -> Answer:
    """The files are root's, so they are read before the instance is opened, which its owner goes on with."""
    from jobs.wiring import imports
    from jobs.wiring.discovery import discover

    lineages = imports.read(client, directory)
    instance = session.instance()
    discover(instance)
    result = imports.adopt(instance, lineages, websites or None, plan, _say_waiting)
    refused = bool(websites) and {one["website"] for one in result["lineages"] if one["adopted"]} != {*websites}
    return Answer(result, _text(result, client), not refused)


def _say_waiting() -> None:
    click.echo("A check is under way; waiting for its end.", err=True)


def _text(result: dict[str, Any], client: str) -> str:
    found, plan = result["lineages"], result["plan"]
    if not found:
        return f"{client} has nothing there that is for a website of this host."
    word = "would be taken over" if plan else "taken over"
    rows = [
        (one["name"], one["website"] or "-", day(one["not_after"]), word if one["adopted"] else f"no: {one['why']}")
        for one in found
    ]
    parts = [table((client, "website", "expires", "result"), rows)]
    parts += [f"{plain(one['name'])}: {one['remedy']}." for one in found if one["remedy"]]
    if plan:
        parts.append(f"{count(result['adopted'], 'website')} would be taken over. Nothing was changed.")
    elif result["adopted"]:
        parts.append(f"{count(result['adopted'], 'website')} taken over. Next, have it installed, which orders nothing:"
                     " autossl check --all")
    if result["stop"]:
        head = f"Then end {client}'s renewals of these. The files stay where they are, for whatever else reads them:"
        parts.append("\n".join([head, *(f"  {line}" for line in result["stop"])]))
    return "\n\n".join(parts)
