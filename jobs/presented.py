"""What services presented for a website when a check looked, beside what became of our own installations there."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from peewee import chunked

import models
from jobs.policy.certificate import Certificate
from jobs.policy.decision import WEB_SERVICES, Presented

FOREIGN, UNREADABLE, NONE = "foreign", "unreadable", "none"
"""States of a service on which nothing was installed: whose certificate it presents, if any."""

_TIMES = ("not_before", "not_after", "ari_point", "revoked_at")
_OURS = ("installed", "waiting", "failed")
"""States that an installation left."""

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Look:
    """What each service presented for a website before this run touched anything. `done`: services that were installed
    on in this run, whose state is kept already; `left_alone`: it is somebody else's, so nothing is tried again."""

    website: str
    found: Mapping[str, Presented | None]
    done: Collection[str] = ()
    left_alone: bool = False


def keep(looks: Sequence[Look], now: datetime) -> None:
    """Keep what was seen, of many websites in one transaction. A service that has nothing to do with a website any more
    loses its row there, and with it its next try."""
    state = models.ServiceState
    for some in chunked(looks, _AT_ONCE):
        with models.database.atomic():
            known: dict[str, dict[str, models.ServiceState]] = {}
            for row in state.select().where(state.website.in_([look.website for look in some])):
                known.setdefault(row.website, {})[row.service] = row
            same: list[int] = []
            for look in some:
                same += _keep_one(look, known.get(look.website, {}), now)
            if same:
                state.update(checked_at=now).where(state.id.in_(same)).execute()


def _keep_one(look: Look, rows: dict[str, models.ServiceState], now: datetime) -> list[int]:
    """Write what differs; the ids of rows that were looked at and are as they were."""
    state, same = models.ServiceState, []
    for service, one in look.found.items():
        row = rows.pop(service, None)
        kept = None if one is None or one.linked or one.certificate is None else _as_text(one.certificate)
        client = (one.keeper or None) if one is not None and kept else None
        values: dict[str, Any] = {"presented": kept, "client": client, "checked_at": now}
        if service not in look.done and _is_news(row, one, look.left_alone):
            values |= {"state": _state(one), "text": one.detail if one else "", "attempts": 0, "retry_at": None}
        if row is None:
            state.create(website=look.website, service=service, **{"state": _state(one), **values})
        elif all(getattr(row, key) == value for key, value in values.items() if key != "checked_at"):
            same.append(row.id)
        else:
            state.update(**values).where(state.id == row.id).execute()
    gone = [row.id for service, row in rows.items() if service not in look.done]
    if gone:
        state.delete().where(state.id.in_(gone)).execute()
    return same


def certificate(row: models.ServiceState) -> Certificate | None:
    """What the service presented instead of an installed certificate, if it was anything."""
    if row.presented is None:
        return None
    facts = json.loads(row.presented)
    times = {key: datetime.fromisoformat(facts[key]) for key in _TIMES if facts.get(key)}
    return Certificate(**{**facts, **times, "names": tuple(facts["names"])})


def foreign(of: Collection[str] | None = None) -> dict[str, Certificate]:
    """The certificate of somebody else's that the web server presents, by website (all, or these main names); a
    self-signed one secures nobody and is none."""
    state = models.ServiceState
    query = state.select().where((state.state == FOREIGN) & state.service.in_(WEB_SERVICES))
    rows = query if of is None else query.where(state.website.in_(list(of)))
    found = {row.website: certificate(row) for row in rows}
    return {website: one for website, one in found.items() if one is not None and not one.self_signed}


def _is_news(row: models.ServiceState | None, one: Presented | None, left_alone: bool) -> bool:
    """Whether the state of the row says less than what was seen. A failed installation stays until tried again."""
    if row is None or row.state not in _OURS:
        return True
    return left_alone or (row.state == "installed" and (one is None or not one.linked))


def _state(one: Presented | None) -> str:
    if one is None:
        return NONE
    if one.linked:
        return "installed"
    return FOREIGN if one.certificate is not None else UNREADABLE


def _as_text(found: Certificate) -> str:
    facts = asdict(found)
    return json.dumps({**facts, **{key: facts[key].isoformat() for key in _TIMES if facts[key]}})
