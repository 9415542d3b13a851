"""Names that a user or an administrator keeps out of AutoSSL."""

from __future__ import annotations

from collections.abc import Collection

import models
from jobs import records, summaries, troubles
from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName, hostname
from jobs.wiring.instance import Instance, now

MOST = 1000


def excluded(account: str) -> list[str]:
    """The excluded names of an account, sorted."""
    query = models.Exclusion.select(models.Exclusion.name).where(models.Exclusion.account == account)
    return sorted(name for (name,) in query.tuples())


def exclude(instance: Instance, account: str, names: Collection[str]) -> int:
    """Keep these names out; how many were in. Raises Failure("name_invalid"), Failure("name_not_ours")."""
    checked = _checked(account, names)
    with models.database.atomic():
        rows = [{"account": account, "name": name} for name in checked]
        before = len(excluded(account))
        if rows:
            models.Exclusion.insert_many(rows).on_conflict_ignore().execute()
        changed = len(excluded(account)) - before
    _refresh(instance, account, changed)
    return changed


def include(instance: Instance, account: str, names: Collection[str]) -> int:
    """Take these names in again; how many were out."""
    mine = (models.Exclusion.account == account) & models.Exclusion.name.in_(list(names))
    changed = int(models.Exclusion.delete().where(mine).execute())
    _refresh(instance, account, changed)
    return changed


def replace(instance: Instance, account: str, names: Collection[str]) -> None:
    """Make exactly these names the excluded ones. Raises as `exclude`; then nothing is changed."""
    checked = _checked(account, names)
    with models.database.atomic():
        changed = excluded(account) != sorted(checked)
        models.Exclusion.delete().where(models.Exclusion.account == account).execute()
        if checked:
            models.Exclusion.insert_many([{"account": account, "name": name} for name in checked]).execute()
    _refresh(instance, account, changed)


def _checked(account: str, names: Collection[str]) -> list[str]:
    """Only what is, or is guessed below, a name of the account's own websites."""
    if len(names) > MOST:
        raise Failure("name_invalid", f"expected at most {MOST} names, got {len(names)}", permanent=True)
    own = {name for site in records.websites([account]) if site.part_of is None for name in site.names}
    found = []
    for text in names:
        try:
            name = hostname(text)
        except InvalidName as error:
            raise Failure("name_invalid", f"{text!r}: {error}", permanent=True) from error
        if name not in own and name.partition(".")[2] not in own:
            words = f"{name}: no website of the account {account} has this name"
            raise Failure("name_not_ours", words, permanent=True)
        found.append(name)
    return list(dict.fromkeys(found))


def _refresh(instance: Instance, account: str, changed: int) -> None:
    """A certificate without a name that stood in the way, or with one that was missing, is tried at the next look."""
    if changed:
        troubles.take_up_again([site.main for site in records.websites([account])], now())
    summaries.refresh([account], instance.config.check.service_names)
