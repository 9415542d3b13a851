"""`autossl serve`."""

from __future__ import annotations

import click

from panel.cli.session import Session


@click.command("serve")
@click.option("--bind", "binds", metavar="HOST:PORT|fd:N", multiple=True,
              help="Where to listen ([IPv6]:PORT, and *:PORT for every address, are possible too), or a socket that"
              " listens already. May be given several times. Default: panel.bind of config.toml.")
@click.option("--json", "as_json", is_flag=True, help="An error that ends the server is printed as JSON as well.")
@click.pass_obj
def command(session: Session, binds: tuple[str, ...], as_json: bool) -> None:
    """Serve the panel by HTTPS until it is stopped."""
    session.json = as_json
    instance = session.instance()
    place, config = instance.place, instance.config.panel
    instance.close()
    from panel import create_app
    from panel.server import serve

    serve(create_app(place.instance), binds or (config.bind,), place, config.hostname)
