"""The audit log: every action that changed something, or was refused to, with who, what, when and from where."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from peewee import SQL

import models
from jobs.report import stamp
from jobs.wiring.instance import now

KEPT = timedelta(days=366)
COMMAND_LINE = "command line"
_LONGEST = 200


def record(who: str, role: str, action: str, object_: str, origin: str, result: str) -> None:
    """Write one entry, and remove those that are older than KEPT."""
    moment = now()
    prune(moment)
    models.AuditEntry.create(
        at=moment,
        who=_short(who),
        role=role,
        action=action,
        object=_short(object_),
        origin=_short(origin),
        result=_short(result),
    )


def prune(moment: datetime) -> None:
    """Remove entries that are older than KEPT."""
    models.AuditEntry.delete().where(models.AuditEntry.at < moment - KEPT).execute()


def holds(text: str) -> Any:
    """The condition that an entry holds `text` anywhere; every entry holds an empty one."""
    row = models.AuditEntry
    found = [field.contains(text) for field in (row.who, row.action, row.object, row.origin, row.result)]
    return reduce(or_, found) if text else SQL("1")


def newest(text: str, limit: int) -> list[dict[str, Any]]:
    """The newest entries that hold `text`."""
    row = models.AuditEntry
    return [_facts(entry) for entry in row.select().where(holds(text)).order_by(row.id.desc()).limit(limit)]


def _facts(row: models.AuditEntry) -> dict[str, Any]:
    return {
        "at": stamp(row.at),
        "who": row.who,
        "role": row.role,
        "action": row.action,
        "object": row.object,
        "origin": row.origin,
        "result": row.result,
    }


def _short(text: str) -> str:
    """On one line, and not endless: objects come from addresses and forms."""
    return "".join(char if char.isprintable() else "?" for char in text[:_LONGEST])
