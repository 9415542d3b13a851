"""`autossl serve`."""

from __future__ import annotations

import click

from panel.cli.session import Session


@click.command("serve")
@click.option("--bind", metavar="HOST:PORT|fd:N",
              help="Where to listen, or a socket that listens already. Default: panel.bind of config.toml.")
@click.option("--json", "as_json", is_flag=True, help="An error that ends the server is printed as JSON as well.")
@click.pass_obj
def command(session: Session, bind: str | None, as_json: bool) -> None:
    """Serve the panel by HTTPS until it is stopped."""
    session.json = as_json
    instance = session.instance()
    place, config = instance.place, instance.config.panel
    instance.close()
    from panel import create_app
    from panel.server import serve

    serve(create_app(place.instance), bind or config.bind, place)
