"""`autossl demo`."""

from __future__ import annotations

import click


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the table of what is served where.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.pass_context
def command(context: click.Context, once: bool, as_json: bool) -> None:
    """Show the real program on a private, throw-away host on this very machine (Debian, root).

    The host has its own network and its own copies of /etc, /home and /var: a name server, a CA, Apache, Dovecot, Exim,
    a Web Disk and three accounts. Debian packages that are missing are installed, without starting or enabling them.
    The panel stays open in this machine's browser until Ctrl-C.
    """
    from jobs.demo.launch import demo

    context.exit(demo(once, as_json))
