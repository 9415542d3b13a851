"""`autossl setup`."""

from __future__ import annotations

from typing import Any

import click

from panel.cli.output import Answer, count, plain, table
from panel.cli.session import Session, answering


@click.command("setup")
@click.option("--undo", is_flag=True, help="Put every file that was changed back as it stood before.")
@click.option("--plan", is_flag=True, help="Show what would change, and change nothing.")
@answering
def command(session: Session, undo: bool, plan: bool) -> Answer:
    """Write once what every service needs (challenge answers), or take it away again."""
    if not plan:
        session.need_root()
    instance = session.instance()
    from jobs.wiring.setup import setup

    result = setup(instance, undo=undo, plan_only=plan, on_wait=_say_waiting)
    return Answer(result, _text(result, undo, plan), not result["failed"])


def _say_waiting() -> None:
    click.echo("A check is under way; waiting for its end.", err=True)


def _text(result: dict[str, Any], undo: bool, plan: bool) -> str:
    changes, failed = result["changes"], result["failed"]
    parts = []
    if changes:
        parts.append(table(("service", "action", "path"), [(c["service"], c["action"], c["path"]) for c in changes]))
    if plan:
        parts += ["\n".join(plain(line) for line in c["diff"].splitlines()) for c in changes if c["diff"]]
    if failed:
        parts.append(table(("service", "failed"), [(f["service"], f["text"]) for f in failed]))
    done = "taken back" if undo else "changed"
    if plan:
        parts.append(f"{count(len(changes), 'file')} would be {done}. Nothing was changed.")
    elif changes:
        parts.append(f"{count(len(changes), 'file')} {done}.")
    elif not failed:
        parts.append("Nothing to take back." if undo else "Everything is set up; nothing was changed.")
    if undo and result["still_on"]:
        parts.append("AutoSSL is still on: the next check installs certificates again. To leave it off, first:"
                     " autossl provider disable")
    return "\n\n".join(parts)
