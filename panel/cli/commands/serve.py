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
    """Serve the panel by HTTPS until it is stopped, and do the work that is queued or due."""
    session.json = as_json
    from jobs.wiring.damage import refuse_damaged

    refuse_damaged(session.directory)
    instance = session.instance()
    place, config = instance.place, instance.config.panel
    instance.close()
    from jobs.wiring.background import Background
    from panel import create_app
    from panel.mail import render
    from panel.server import serve

    app = create_app(place.instance)
    background = app.extensions["background"] = Background(instance, render)
    serve(app, binds or (config.bind,), place, config.hostname, background)
