"""How far the first minutes have come: what stands is neither asked for nor made again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import models
from jobs.config import load
from jobs.policy.access import Role
from jobs.wiring import provider_rows
from jobs.wiring.instance import DATABASE, Instance


@dataclass(frozen=True)
class Standing:
    """`made`: there is an instance. `administrator`: the first one, whose `password` was chosen, or who holds a link
    until `link_until`. `provider` and `directory`: of the one in use, a `test` one if browsers don't trust it.
    `registered`: an account was made at some CA, so that none in use is what somebody wanted. `known`: the names of all
    that can be chosen."""

    made: bool = False
    administrator: str = ""
    password: bool = False
    link_until: datetime | None = None
    hostname: str = ""
    provider: str = ""
    directory: str = ""
    test: bool = False
    registered: bool = False
    known: tuple[str, ...] = ()


def is_made(directory: Path) -> bool:
    return (directory / DATABASE).exists()


def bare(config: Path) -> Standing:
    """Before there is an instance, only the configuration may say something. Raises Failure("config_invalid")."""
    return Standing(hostname=load(config).panel.hostname, known=tuple(provider_rows.built_in()))


def standing(instance: Instance, now: datetime) -> Standing:
    """What rows and the configuration say. Raises Failure("provider_unknown"), Failure("config_invalid")."""
    user, provider = models.User, models.Provider
    first = user.select().where(user.role == Role.ADMIN).order_by(user.id).first()
    current = provider.get_or_none(provider.current)
    return Standing(
        made=True,
        administrator=first.name if first else "",
        password=first is not None and first.password is not None,
        link_until=_link_until(first, now) if first else None,
        hostname=instance.config.panel.hostname,
        provider=current.name if current else "",
        directory=str(json.loads(current.options).get("directory", "")) if current else "",
        test=current is not None and provider_rows.bare(current).specs().test,
        registered=provider.select().where(provider.account_url.is_null(False)).exists(),
        known=tuple(row.name for row in provider_rows.every_row()),
    )


def _link_until(user: models.User, now: datetime) -> datetime | None:
    link = models.SetupLink
    found = link.select().where((link.user == user) & (link.expires_at > now)).first()
    return found.expires_at if found else None
