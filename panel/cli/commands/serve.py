"""`autossl serve`."""

from __future__ import annotations

import os

import click

from jobs.policy.failure import Failure
from panel.cli.session import Session


@click.command("serve")
@click.option("--bind", "binds", metavar="HOST:PORT|fd:N", multiple=True,
              help="Where to listen ([IPv6]:PORT, and *:PORT for every address, are possible too), or a socket that"
              " listens already. May be given several times. Default: panel.bind of config.toml.")
@click.option("--single", is_flag=True,
              help="As root, with nothing apart from it: for a container, or to try it out. Every page says so.")
@click.option("--json", "as_json", is_flag=True, help="An error that ends the server is printed as JSON as well.")
@click.pass_obj
def command(session: Session, binds: tuple[str, ...], single: bool, as_json: bool) -> None:
    """Serve the panel by HTTPS until it is stopped, and do the work that is queued or due."""
    session.json = as_json
    session.become_owner()
    _refuse_root(single)
    from jobs.wiring.damage import refuse_damaged
    from jobs.wiring.upgrade import await_work

    refuse_damaged(session.directory)
    await_work(session.directory, lambda: click.echo("An upgrade waits for the end of a check or a setup.", err=True))
    instance = session.instance()
    place, config = instance.place, instance.config.panel
    instance.close()
    import models
    from jobs.wiring.background import Background
    from panel import create_app, lasting
    from panel.mail import render
    from panel.server import serve

    app = create_app(place.instance)
    lasting.let_last(models.database)
    background = app.extensions["background"] = Background(instance, render)
    serve(app, binds or (config.bind,), place, config.hostname, background)


def _refuse_root(single: bool) -> None:
    """A panel that anybody can speak to is no process of root's, unless somebody says so."""
    if os.geteuid() == 0 and not single:
        words = "the panel is not served as root. The Debian package sets it up with a user of its own; to have one"
        words += " process do everything as root all the same, in a container say, add --single"
        raise Failure("serve_as_root", words, permanent=True)
