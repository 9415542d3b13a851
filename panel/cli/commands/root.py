"""`autossl root`."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType

import click

from panel.cli.session import Session


@click.command("root")
@click.option("--socket", "path", type=click.Path(path_type=Path), metavar="PATH",
              help="Where to listen, instead of at root.socket of config.toml or the socket that systemd hands over.")
@click.option("--json", "as_json", is_flag=True, help="An error that ends it is printed as JSON as well.")
@click.pass_obj
def command(session: Session, path: Path | None, as_json: bool) -> None:
    """Do what needs root for a panel that runs without it: the service `autossl-root` of the package.

    It listens at a Unix socket for one user, and offers nothing but what a check needs of this host's services.
    """
    session.json = as_json
    from jobs.wiring.root_server import root_server
    from panel import journal

    journal.set_up()
    server = root_server(session.directory.absolute(), path)

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        server.stop_soon()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    os.umask(0o022)  # services that are not root come through these directories, to what is theirs to read
    click.echo("The root side is ready.")
    server.serve()
