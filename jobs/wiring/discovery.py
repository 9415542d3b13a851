"""Discovery: asks every source what exists, and keeps the difference as rows. Nothing is ever deleted by it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import models
from jobs import records, troubles
from jobs.policy.discovery import Change, Difference, Found, Known, KnownAccount, merge
from jobs.policy.failure import Failure
from jobs.policy.site import UNASSIGNED, Account, Website
from jobs.ports import AccountSource
from jobs.wiring.instance import Instance, now
from jobs.wiring.manifests import told_by_manifest
from jobs.wiring.parts import sources


def discover(instance: Instance) -> dict[str, Any]:
    """Ask, compare, keep; returns "n new, n changed, n gone" in words and as lists.

    A source that failed says nothing about what exists: what it said last stays.
    """
    failures: dict[str, Failure] = {}
    assigned = dict(models.Assignment.select(models.Assignment.main, models.Assignment.account).tuples())
    found = [_ask(source, assigned, failures) for source in sources(instance)]
    former = _known()
    difference = merge(found, former)
    _keep(former, difference, now())
    main_of = {site.main: site for site in (*former.websites, *difference.now.websites)}
    return {
        "summary": difference.summary,
        **{
            kind: [{"account": main_of[main].account, "website": main} for main in getattr(difference.websites, kind)]
            for kind in ("new", "changed", "gone")
        },
        "accounts": {kind: list(getattr(difference.accounts, kind)) for kind in ("new", "changed", "gone")},
        "failed": [
            {"source": name, "code": failure.code, "text": failure.detail} for name, failure in failures.items()
        ],
        "kept": list(difference.kept_because_failed),
        "remarks": list(difference.remarks),
    }


def _ask(source: AccountSource, assigned: Mapping[str, str], failures: dict[str, Failure]) -> Found:
    """What a source says; where it can't tell the owner, the administrator's own word counts."""
    try:
        accounts = tuple(source.accounts())
        websites = tuple(
            replace(site, account=assigned.get(site.main, site.account)) if site.account == UNASSIGNED else site
            for site in source.websites()
        )
    except Failure as failure:
        failures[source.name] = failure
        return Found(source.name, failure=failure.detail)
    remarks = getattr(source, "remarks", tuple)
    return Found(source.name, accounts, websites, tuple(remarks()))


def _known() -> Known:
    """What exists by our rows. An account's own facts count only where a source tells them. Parts of websites are no
    source's business: they come and go with these."""
    accounts = tuple(
        KnownAccount(_facts(row) if told_by_manifest(row.source) else Account(row.name), row.source)
        for row in models.Account.select().where(models.Account.gone_at.is_null())
    )
    return Known(accounts, tuple(site for site in records.websites() if site.part_of is None))


def _facts(row: models.Account) -> Account:
    return Account(row.name, row.contact, row.package, row.reseller)


def _keep(former: Known, difference: Difference, moment: datetime) -> None:
    """Write what differs, in one transaction. Rows of what is gone stay, and come back with it."""
    accounts = {known.account.name: known for known in difference.now.accounts}
    before = {known.account.name: known.source for known in former.accounts}
    moved = [name for name, known in accounts.items() if before.get(name, known.source) != known.source]
    websites = {site.main: site for site in difference.now.websites}
    lines = {site.main: site.line for site in former.websites}
    shifted = [main for main, site in websites.items() if lines.get(main, site.line) != site.line]
    with models.database.atomic():
        for name in dict.fromkeys([*_touched(difference.accounts), *moved]):
            _keep_account(accounts[name], moment)
        for main in dict.fromkeys([*_touched(difference.websites), *shifted]):
            _keep_website(websites[main], moment)
        troubles.take_up_again(difference.websites.changed, moment)
        _mark_gone(models.Website, models.Website.main, difference.websites.gone, moment)
        _mark_gone(models.Website, models.Website.part_of, difference.websites.gone, moment)
        _mark_gone(models.Account, models.Account.name, difference.accounts.gone, moment)


def _touched(change: Change) -> tuple[str, ...]:
    return (*change.new, *change.changed)


def _keep_account(known: KnownAccount, moment: datetime) -> None:
    account = known.account
    values: dict[str, Any] = {"source": known.source, "gone_at": None}
    if told_by_manifest(known.source):
        values |= {"contact": account.contact, "package": account.package, "reseller": account.reseller}
    fresh = {"name": account.name, "found_at": moment, **values}
    models.Account.insert(**fresh).on_conflict(conflict_target=[models.Account.name], update=values).execute()


def _keep_website(site: Website, moment: datetime) -> None:
    values: dict[str, Any] = {
        "account": site.account,
        "names": json.dumps(site.names),
        "rejected": json.dumps(site.rejected),
        "docroot": site.docroot,
        "source": site.source,
        "file": site.file,
        "line": site.line,
        "gone_at": None,
        "part_of": None,
    }
    fresh = {"main": site.main, "found_at": moment, **values}
    models.Website.insert(**fresh).on_conflict(conflict_target=[models.Website.main], update=values).execute()
    models.Website.update(account=site.account).where(models.Website.part_of == site.main).execute()


def _mark_gone(table: Any, key: Any, gone: Iterable[str], moment: datetime) -> None:
    for name in gone:
        table.update(gone_at=moment).where(key == name).execute()
