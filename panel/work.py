"""Asks for work: the row is inserted, and the worker of this process, if there is one, looks at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from flask import current_app

import models
from jobs.wiring import checks, performing
from jobs.wiring.background import Background
from jobs.wiring.instance import Instance, now


def instance() -> Instance:
    return cast(Instance, current_app.extensions["autossl"])


def running_background() -> Background | None:
    """Of this process; None under a WSGI server, where another process does the work."""
    return cast("Background | None", current_app.extensions.get("background"))


def ask_for_check(accounts: Sequence[str] | None, forced: bool = False) -> tuple[models.QueueEntry, bool]:
    """Queue a check of these accounts, or of all; whether it joined one that was asked for before.

    Raises Failure("account_unknown"), Failure("provider_disabled").
    """
    asked = checks.request(instance(), None if accounts is None else list(accounts), forced)
    wake()
    return asked


def wake() -> None:
    """There is a new row."""
    worker = running_background()
    if worker is not None:
        worker.wake()


def stop_running() -> bool:
    """Ask the running check to begin no further account; whether one is running that was not asked before."""
    return performing.stop_running(now())
