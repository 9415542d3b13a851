"""The flags by which an external account binding comes to a command: its secret half by a file only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from jobs.ports import Eab


def eab_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--eab-kid` and `--eab-hmac-file`, as `kid` and `hmac_file`."""
    path = click.Path(dir_okay=False, path_type=Path)
    hmac = click.option("--eab-hmac-file", "hmac_file", type=path, metavar="F",
                        help="File with the HMAC key of the external account binding, as the CA shows it.")
    return click.option("--eab-kid", "kid", metavar="K", help="Key id of the external account binding.")(hmac(function))


def given_eab(kid: str | None, hmac_file: Path | None) -> Eab | None:
    """What the flags say; read before the command goes on as a user who may not read the file.

    Raises Failure("eab_invalid"), Failure("file_unreadable").
    """
    from jobs.wiring.custom_provider import read_eab

    return read_eab(kid, hmac_file)
