"""Runs the command line in this process, against an instance of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from click.testing import CliRunner

from panel.cli import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Line:
    instance: Path

    def run(self, *words: str, stdin: str = "") -> Said:
        result = CliRunner().invoke(main, ["--instance", str(self.instance), *words], input=stdin, prog_name="autossl")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)


def leaves(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[list[str], click.Command]]:
    """Every command that does something, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from leaves(command, (*before, name))
        else:
            yield [*before, name], command
