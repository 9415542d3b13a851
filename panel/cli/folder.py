"""A group whose commands are the files of a package; a file is read when its command is asked for."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import click


class FolderGroup(click.Group):
    """Each module of `package` has one attribute `command`; the module's name is the command's."""

    def __init__(self, *arguments: Any, package: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        found = importlib.import_module(self._package)
        return sorted(entry.name for entry in pkgutil.iter_modules(found.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{cmd_name}").command
        return command
