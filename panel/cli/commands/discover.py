"""`autossl discover`."""

from __future__ import annotations

import json
from typing import Any

import click

from panel.cli.output import Answer, table
from panel.cli.session import Session, answering


@click.command("discover")
@answering
def command(session: Session) -> Answer:
    """Find accounts and websites, and take over what is new, changed or gone."""
    instance = session.instance()
    from jobs.wiring import first_checks

    result = first_checks.discover_and_ask(instance)
    parts = []
    rows = [(kind, _name(item)) for kind in ("new", "changed", "gone") for item in result[kind]]
    if rows:
        parts.append(table(("what", "website"), rows))
    if result["failed"]:
        parts.append(table(("source", "failed"), [(f["source"], f["text"]) for f in result["failed"]]))
    if result["remarks"]:
        parts.append(table(("worth a look",), [(remark,) for remark in result["remarks"]]))
    parts += [f"{result['summary']}.", *told(result["checks"])]
    return Answer(result, "\n\n".join(parts), not result["failed"])


def told(asked: list[str]) -> list[str]:
    """That a check of these accounts is queued."""
    return [f"A check is queued, which a running server performs by itself: {', '.join(asked)}."] if asked else []


def _name(item: Any) -> str:
    if isinstance(item, dict):
        subject = [str(item[key]) for key in ("account", "website") if item.get(key)]
        return " ".join(subject) or json.dumps(item)
    return str(item)
