"""The command line: `autossl` and `autossl_check`.

Every file of `panel/cli/commands` is one command or one group of commands; adding one is adding its file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from panel.cli.folder import FolderGroup
from panel.cli.guard import Guarded
from panel.cli.session import Session, instance_option


class Root(Guarded, FolderGroup):
    """All commands, with every error told in one sentence and one exit code."""


def _tell_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from panel.version import told

        click.echo(f"autossl {told()}")
        context.exit()


@click.group(cls=Root, package="panel.cli.commands", context_settings={"max_content_width": 100})
@instance_option
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_tell_version,
              help="Show the version and the commit it was built from, and exit.")
@click.pass_context
def main(context: click.Context, instance: Path) -> None:
    """Find the websites of this host, get their certificates by ACME, install them on every service.

    Exit codes: 0 fine, 1 something failed or was deferred, 2 wrong usage or configuration.
    """
    context.obj = Session(instance)


def autossl_check(*arguments: Any, **settings: Any) -> Any:
    """The script `autossl_check`: `autossl check` under the name that scripts may know."""
    from panel.cli.commands.check import script

    return script.main(*arguments, **{"prog_name": "autossl_check", **settings})
