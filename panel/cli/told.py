"""Puts what the command line changes into the audit log: every command, but those that only look."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from jobs.policy.failure import Failure

if TYPE_CHECKING:
    from panel.cli.session import Session

LOOKS = frozenset({"doctor", "list", "records", "show", "status", "zones"})
"""Last words of commands that change nothing of the installation. A new command is told unless it is named here."""

ROLE = "system"
"""Who types a command is a user of the host, not one of the panel."""

_LOOKING_FLAGS = ("plan", "preview")
_NEVER_TOLD = frozenset({"as_json", "instance"})
_ONLY_KEYS = frozenset({"values"})
"""Of their KEY=VALUE only the keys are told: somebody may put a secret where none belongs."""


@contextmanager
def told(session: Session, context: click.Context) -> Iterator[None]:
    """Write one entry for the command in `context` once it has ended, however it ended; `session.ok` says how."""
    who = _who()  # before the command goes on as another user
    try:
        yield
    except Failure as failure:
        _write(session, context, who, failure.code)
        raise
    except click.Abort:  # what was done before somebody stopped it stays
        _write(session, context, who, "stopped")
        raise
    _write(session, context, who, "done" if session.ok else "failed")


def _write(session: Session, context: click.Context, who: str, result: str) -> None:
    words = _words(context)
    if not session.opened or words[-1] in LOOKS or any(context.params.get(flag) for flag in _LOOKING_FLAGS):
        return
    from jobs.wiring import audit

    audit.record(who, ROLE, " ".join(words), _given(context), audit.COMMAND_LINE, result)


def _words(context: click.Context) -> list[str]:
    """The command without the program's own name."""
    words: list[str] = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        words.insert(0, at.command.name or "")
        at = at.parent
    return words


def _given(context: click.Context) -> str:
    """What was said beside the command. No command takes a secret there, so none comes into the log."""
    told: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if parameter.name in _NEVER_TOLD or value in (None, False, ()) or value == parameter.get_default(context):
            continue
        label = [] if isinstance(parameter, click.Argument) else [parameter.opts[0]]
        texts = _texts(value)
        told += [*label, *([text.partition("=")[0] for text in texts] if parameter.name in _ONLY_KEYS else texts)]
    return " ".join(told)


def _texts(value: Any) -> list[str]:
    if value is True:
        return []
    return [str(one) for one in value] if isinstance(value, tuple) else [str(value)]


def _who() -> str:
    """The system user who typed it; behind sudo, the one who called that."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return f"{caller} as {name}" if caller else name
