"""The state of an installation in a few figures, read from rows only: nothing is asked of a CA or a service."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import models
from jobs.wiring import logs
from jobs.wiring.instance import Instance, now

SOON = timedelta(days=14)
_SHOWN = 10


def overview(instance: Instance) -> dict[str, Any]:
    """Provider, last run, counts, the certificates that end first and the newest problems."""
    moment = now()
    row = models.Provider.get_or_none(models.Provider.current)
    last = models.Run.select().order_by(models.Run.start.desc()).first()
    live = models.Certificate.retired_at.is_null()
    return {
        "provider": None if row is None else {"name": row.name, "account": row.account_url},
        "last": None if last is None else logs.as_shown(last.start, last),
        "counts": [
            ("Accounts", models.Account.select().where(models.Account.gone_at.is_null()).count(), ""),
            ("Websites", models.Website.select().where(models.Website.gone_at.is_null()).count(), ""),
            ("Certificates", models.Certificate.select().where(live).count(), ""),
            ("End within 14 days", _ending(moment), "warn"),
            ("Problems", models.Problem.select().count(), "bad"),
        ],
        "ending": [
            {"website": one.website, "day": f"{one.not_after:%Y-%m-%d}", "days": (one.not_after - moment).days}
            for one in models.Certificate.select().where(live).order_by(models.Certificate.not_after).limit(_SHOWN)
        ],
        "problems": [
            {"website": one.website, "name": one.name, "text": one.text, "code": one.code}
            for one in models.Problem.select().order_by(models.Problem.seen_at.desc()).limit(_SHOWN)
        ],
    }


def _ending(moment: datetime) -> int:
    same = models.Certificate.retired_at.is_null() & (models.Certificate.not_after < moment + SOON)
    return int(models.Certificate.select().where(same).count())
