"""`autossl doctor`."""

from __future__ import annotations

from typing import Any

import click

from panel.cli.output import Answer, count, plain
from panel.cli.session import Session, answering

_MARKS = {"fine": "ok", "warning": "WARN", "wrong": "WRONG", "not applicable": "-"}
_MARGIN = " " * 8


@click.command("doctor")
@answering
def command(session: Session) -> Answer:
    """Look at this host and say in words what is fine, what is wrong, and what to do; exit 1 if something is wrong."""
    instance = session.instance()
    from jobs.wiring.doctor import examine

    found = examine(instance)
    lines = [line for check in found["checks"] for line in (*_check(check), "")]
    results = [one for check in found["checks"] for one in check["results"]]
    wrong, warnings = (sum(one["state"] == state for one in results) for state in ("wrong", "warning"))
    summary = f"{count(wrong, 'thing')} wrong, {count(warnings, 'warning')}." if wrong or warnings else "All is fine."
    return Answer(found, "\n".join([*lines, summary]), found["ok"])


def _check(check: dict[str, Any]) -> list[str]:
    lines = [check["title"]]
    for one in check["results"]:
        lines.append(f"{_MARKS[one['state']]:>6}  {plain(one['subject'])}: {plain(one['text'])}")
        if one["expected"]:
            lines.append(f"{_MARGIN}expected: {plain(one['expected'])}")
        if one["remedy"]:
            lines.append(f"{_MARGIN}{plain(one['remedy'])}")
    return lines
