"""`autossl init`."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import click

from jobs.policy.failure import Failure
from panel.cli.output import Answer
from panel.cli.session import Session, answering

_LONGEST = 4096


@click.command("init")
@click.option("--admin", "name", required=True, metavar="NAME", help="The administrator who may log in to the panel.")
@click.option(
    "--password-file", metavar="F", help="File with the password on its first line; - reads stdin. Without it the"
    " password is asked for, or made and shown once where nobody can be asked.",
)
@answering
def command(session: Session, name: str, password_file: str | None) -> Answer:
    """Make the installation and its first administrator. Twice changes nothing."""
    import models
    from jobs.wiring import people
    from jobs.wiring.instance import create

    people.check_name(name)
    directory = session.directory.absolute()
    data = {"instance": str(directory), "created": False, "admin": name}
    if (directory / "panel.sqlite3").exists():
        session.instance()
        former = people.administrators()
        if former:
            text = f"{directory} is an installation already (administrator: {', '.join(former)}). Nothing was changed."
            return Answer({**data, "admin": former[0]}, text)
    password, made = _password(session, password_file)
    people.check_password(password)
    created = create(directory)
    click.get_current_context().call_on_close(models.database.close)
    people.create_admin(name, password)
    lines = [f"{'Made' if created else 'Completed'} the installation {directory}.", f"Administrator: {name}"]
    if made:
        lines.append(f"Password, shown only this once: {password}")
    lines.append(f"Next: autossl --instance {directory} setup --plan")
    shown = {"password": password} if made else {}
    return Answer({**data, "created": True, **shown}, "\n".join(lines))


def _password(session: Session, source: str | None) -> tuple[str, bool]:
    """The password, and whether it was made here."""
    if source is not None:
        return _read(source), False
    if session.json or not sys.stdin.isatty():
        return secrets.token_urlsafe(15), True
    return click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True), False


def _read(source: str) -> str:
    if source == "-":
        return sys.stdin.readline(_LONGEST).rstrip("\r\n")
    try:
        with Path(source).open(encoding="utf-8") as file:
            return file.readline(_LONGEST).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise Failure("file_unreadable", f"{source}: reading the password: {reason}", permanent=True) from error
