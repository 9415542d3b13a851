"""Where a command gets a new password from: a file, a person, a link that lets its owner choose, or chance."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from panel.cli.secret_files import read_secret
from panel.cli.session import Session


@dataclass(frozen=True)
class Chosen:
    """`password` is None where a link is asked for; `made` tells that nobody knows it yet, so it is shown once."""

    password: str | None
    made: bool = False

    def shown(self) -> dict[str, str]:
        """What of it belongs to the answer."""
        return {"password": self.password} if self.made and self.password else {}


def password_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--password-file` and `--link`."""
    link = click.option("--link", is_flag=True, help="Print a link, valid once and for 24 hours, by which the password"
                        " is chosen in the browser.")
    return click.option(
        "--password-file", metavar="F", help="File with the password on its first line; - reads stdin. Without it the"
        " password is asked for, or made and shown once where nobody can be asked.",
    )(link(function))


def given(source: str | None, link: bool) -> str | None:
    """The password of `--password-file`; read before the command goes on as a user who may not read the file.

    Raises Failure("file_unreadable").
    """
    if link and source is not None:
        raise click.UsageError("expected either --password-file or --link")
    return None if source is None else read_secret(source, "password")


def choose(session: Session, password: str | None, link: bool) -> Chosen:
    """`password`: as it was `given`."""
    if link or password is not None:
        return Chosen(password)
    if session.json or not sys.stdin.isatty():
        import secrets  # it brings half of hashlib along

        return Chosen(secrets.token_urlsafe(15), made=True)
    return Chosen(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def told(chosen: Chosen, user: Any, panel: Any) -> tuple[dict[str, str], list[str]]:
    """For the answer: the made password or a fresh link for `user`, as data and as lines. Each is shown only here."""
    if chosen.password is not None:
        lines = [f"Password, shown only this once: {chosen.password}"] if chosen.made else []
        return chosen.shown(), lines
    from jobs.wiring import setup_links
    from jobs.wiring.instance import now

    link = setup_links.address(panel, setup_links.make(user, now()))
    return {"link": link}, ["Set-up link, valid once and for 24 hours:", f"  {link}"]
