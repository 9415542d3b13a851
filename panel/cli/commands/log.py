"""`autossl log`."""

from __future__ import annotations

import click

from panel.cli.output import Answer, json_text, plain, table
from panel.cli.session import Session, answering


@click.group("log")
def command() -> None:
    """Logs of former checks."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List the runs, the newest first."""
    instance = session.instance()
    from jobs.wiring import logs

    runs = logs.list_runs(instance)
    rows = [(run["start"], run["scope"], run["provider"], run["result"], run["summary"]) for run in runs]
    text = table(("start", "scope", "provider", "result", "summary"), rows) if rows else "There are no logs yet."
    return Answer({"runs": runs}, text)


@command.command("show")
@click.argument("start")
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="The log as it was written: text, or one JSON event a line.")
@answering
def show(session: Session, start: str, kind: str) -> Answer:
    """Print the log of the run that began at START."""
    instance = session.instance()
    from jobs.wiring import logs

    run = logs.read_run(instance, start)
    if kind == "json":
        return Answer(run, "\n".join(json_text(event) for event in run["events"]))
    return Answer(run, "\n".join(plain(line) for line in run["text"].splitlines()))
