"""`autossl option`."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from panel.cli.output import Answer, facts
from panel.cli.session import Session, answering


@click.group("option")
def command() -> None:
    """Options of the whole installation, as the panel's Options tab has them."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List the options as they hold now."""
    instance = session.instance()
    from jobs.wiring import options

    found = dataclasses.asdict(options.load(instance.config))
    return Answer(found, facts([(name, _shown(value)) for name, value in found.items()]))


@command.command("set")
@click.argument("name")
@click.argument("value")
@answering
def keep(session: Session, name: str, value: str) -> Answer:
    """Set one option, for instance `autossl option set nightly 03:17`. A list is separated by commas."""
    instance = session.instance()
    from jobs.wiring import options

    is_list = isinstance(getattr(options.load(instance.config), name, None), tuple)
    given = [one for one in value.split(",") if one] if is_list else _read(value)
    found = dataclasses.asdict(options.save(instance.config, {name: given}))
    return Answer(found, f"{name}: {_shown(found[name])}")


def _shown(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, tuple) else value


def _read(text: str) -> Any:
    """A word of the command line as JSON would have it: a truth value, a whole number, or text."""
    if text in ("true", "yes", "on", "false", "no"):
        return text in ("true", "yes", "on")
    return int(text) if text.isascii() and text.isdigit() else text
