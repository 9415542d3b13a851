"""CAA records of ours that name an account are kept true: after a registration anew they name the new one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import models
from jobs.config import Config
from jobs.policy.caa import CaaRecord
from jobs.policy.caa_addition import Renewal
from jobs.policy.caa_value import for_account
from jobs.policy.finding import Finding
from jobs.preflight.caa_changes import Change, Done, write_all
from jobs.preflight.resolver import lookup_by
from jobs.zones import Zones, kept


def renew(config: Config, zones: Zones) -> list[Finding]:
    """Let the records that we put into zones name the accounts of now: the new one first, and only when every name
    server shows it, the former one goes. What can't be done now stays, is told, and is tried again by the next check.
    """
    told: list[Finding] = []
    for row in models.Provider.select().where(models.Provider.former_accounts.is_null(False)):
        changes = _changes(row, zones)
        if changes:
            done = asyncio.run(_written(config, zones, changes, row.name))
            told += [_told(change, outcome) for change, outcome in done.items()]
    return told


def _changes(row: models.Provider, zones: Zones) -> list[Change]:
    former = frozenset(json.loads(row.former_accounts)) - {row.account_url}
    found = []
    for one in kept.left(kept.CAA) if row.account_url else ():
        old = _record(one.record.value)
        value = for_account(old.value, former, row.account_url) if one.provider == row.name else None
        serving = zones.serving(one.record.name, "CAA") if value else None
        if value and serving:
            new = CaaRecord(old.flags, old.tag, value)
            found.append(Change(serving, Renewal(one.record.name, old, new)))
    return found


def _record(text: str) -> CaaRecord:
    """A value as it is kept: `0 issue "ca.test"`."""
    flags, tag, value = text.split(" ", 2)
    return CaaRecord(int(flags), tag, value[1:-1])


async def _written(config: Config, zones: Zones, changes: Sequence[Change], provider: str) -> dict[Change, Done]:
    lookup = lookup_by(config.dns.resolvers, config.validation.timeout)
    return await write_all(lookup, zones, changes, provider)


def _told(change: Change, done: Done) -> Finding:
    trouble = done.failed or done.left or next(iter(done.lagging), None)
    if trouble is None:
        return Finding("caa_renewed", f"the CAA record of a former account was replaced: {change.what}")
    return Finding(trouble.code, f"the CAA record of a former account stays beside {change.what}: {trouble.text}")
