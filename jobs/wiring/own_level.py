"""Of which events an account's owner is told: his own choice, within what the administrator allows."""

from __future__ import annotations

import models
from jobs.config import Config
from jobs.policy.failure import Failure
from jobs.policy.options import NotifyLevel, capped
from jobs.wiring import options


def allowed(config: Config) -> list[NotifyLevel]:
    """The levels that an owner can choose, from loud to silent; the first one is the administrator's own for users."""
    levels = list(NotifyLevel)
    return levels[levels.index(options.load(config).notify_user) :]


def chosen(config: Config, row: models.Account) -> NotifyLevel:
    """The level that holds for an account now."""
    return capped(_known(row.notify), options.load(config).notify_user)


def choose(config: Config, account: str, level: str | None) -> None:
    """Keep an owner's choice; None: as the administrator says. Raises Failure("option_invalid")."""
    if level is not None and level not in allowed(config):
        expected = ", ".join(allowed(config))
        raise Failure("option_invalid", f"expected one of {expected}, got {level[:20]!r}", permanent=True)
    models.Account.update(notify=level).where(models.Account.name == account).execute()


def _known(level: str | None) -> NotifyLevel | None:
    """A level of another version counts as no choice."""
    return NotifyLevel(level) if level in list(NotifyLevel) else None
