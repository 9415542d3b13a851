"""What every command gets: the instance that `--instance` names, and `--json`."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.policy.disk_trouble import disk_trouble
from jobs.policy.failure import Failure
from panel.cli.output import Answer, json_text
from panel.cli.told import told

if TYPE_CHECKING:
    from jobs.wiring.instance import Instance


_TOO_LITTLE = 64 * 1024
"""Bytes of free room below which SQLite can't even make its index of the write-ahead log."""


@dataclass
class Session:
    """One call of the command line. `json`: only JSON may go to stdout."""

    directory: Path
    json: bool = False
    opened: bool = False
    """Whether the instance's database can be written to by now."""
    ok: bool = True
    _split: bool = False

    def instance(self) -> Instance:
        """Open the instance. Raises Failure("instance_missing"), Failure("config_invalid"), Failure("unreadable")."""
        from peewee import DatabaseError

        from jobs.wiring.instance import open_instance

        self.become_owner()
        try:
            instance = open_instance(self.directory)
            self.opened = True
            self._split = bool(instance.config.root.socket)
            click.get_current_context().call_on_close(instance.close)
            return instance
        except DatabaseError as error:
            where = f"{self.directory.absolute()}: its database"
            free = shutil.disk_usage(self.directory).free
            if free < _TOO_LITTLE:
                words = f"{where} can't be opened, because its disk is full ({free} bytes are free); make room"
                raise Failure("no_room", f"{words}, then run it again") from error
            failure = self.trouble(error) or Failure("unreadable", f"{where}: {error}", permanent=True)
            raise failure from error

    def trouble(self, error: Exception) -> Failure | None:
        """What is told of an error of the disk or the database; None for another one."""
        failure = disk_trouble(error, f"{self.directory.absolute()}: its database")
        if failure is None or failure.code != "database_damaged":
            return failure
        from jobs.wiring.damage import damaged

        return Failure(failure.code, damaged(self.directory.absolute(), str(error)), permanent=True)

    def become_owner(self) -> None:
        """Root does nothing in a directory that another user may change: it goes on as that user, for good.

        Raises Failure("not_root") where the owner has no account.
        """
        if os.geteuid() != 0 or not self.directory.exists() or self.directory.stat().st_uid == 0:
            return
        from jobs.wiring.owner import become_owner

        become_owner(self.directory)

    def need_root(self) -> None:
        """For an instance that was opened. Raises Failure("not_root"): services can only be configured and reloaded by
        root, or by asking the root side."""
        if os.geteuid() != 0 and not self._split:
            words = "this changes services of the host, which only root may do; run it as root, or with sudo"
            raise Failure("not_root", words, permanent=True)


instance_option = click.option(
    "--instance",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("instance"),
    envvar="AUTOSSL_INSTANCE",
    show_default="./instance",
    show_envvar=True,
    help="Directory of the installation.",
)


def answering(function: Callable[..., Answer]) -> Callable[..., None]:
    """Make a command of `function(session, **options) -> Answer`: `--json` is added, the answer is printed."""

    @click.pass_context
    def run(context: click.Context, /, as_json: bool, **options: Any) -> None:
        session = context.find_object(Session)
        if session is None:
            raise LookupError("the command was called without a session")
        session.json = as_json
        try:
            with told(session, context):
                answer = function(session, **options)
                session.ok = answer.ok
        except Exception as error:
            trouble = session.trouble(error)
            if trouble is None:
                raise
            raise trouble from error
        click.echo(json_text(answer.data, indent=2) if as_json else answer.text)
        context.exit(0 if answer.ok else 1)

    wrapped = functools.update_wrapper(run, function)
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(wrapped)
