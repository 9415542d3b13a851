"""The nightly check: asked for at its time, and once by the next tick if nobody was there at that time."""

from __future__ import annotations

import logging
from datetime import datetime, time

import models
from jobs.policy import nightly
from jobs.scheduler import local_time
from jobs.wiring import checks
from jobs.wiring.instance import Instance, choose, now, setting

ASKED_SETTING = "nightly_asked"

_log = logging.getLogger("autossl.background")


def ask(instance: Instance) -> None:
    """Queue the check of all accounts; it counts as asked for only when it is a row. None while AutoSSL is disabled.

    Raises Failure("account_key_missing").
    """
    with models.database.atomic():
        if _enabled():
            checks.request(instance, None, forced=False)
        choose(ASKED_SETTING, now().isoformat())


def ask_if_missed(instance: Instance, at: time) -> None:
    """Ask for the newest one, if nobody has; `at`: when one begins, local. While AutoSSL is disabled none is missed,
    nor before the first one."""
    kept = setting(ASKED_SETTING, None)
    if kept is None or not _enabled():
        choose(ASKED_SETTING, now().isoformat())
    elif nightly.missed(datetime.fromisoformat(kept), at, local_time()):
        ask(instance)
        _log.info("the last nightly check was missed, and was asked for now")


def _enabled() -> bool:
    return models.Provider.get_or_none(models.Provider.current) is not None
