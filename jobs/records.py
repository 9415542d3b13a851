"""What a check knows before and keeps after, as rows: websites, certificates, service states, problems, runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from peewee import chunked, fn

import models
from jobs import revocations
from jobs.policy.certificate import Certificate
from jobs.policy.features import DEFAULT, Entitlement, FeatureList
from jobs.policy.keys import KeyType
from jobs.policy.retry import next_try
from jobs.policy.site import Account, AccountState, Website

AT_ONCE = 500
"""Values in one question: SQLite takes 999 everywhere."""

NOTHING_AT_STAKE: Mapping[tuple[str, str], Certificate] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NameTrouble:
    """A name's stored problem: `retry_at` is when the next automatic try is due (aware, UTC), None for now."""

    code: str
    text: str
    retry_at: datetime | None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The last known state of a website on a service."""

    state: str
    text: str
    fingerprint: str | None
    retry_at: datetime | None


def accounts(of: Collection[str] | None = None) -> dict[str, Entitlement]:
    """Accounts that exist, all or these, each with its feature list and override. A package that is not known is the
    default."""
    lists = feature_lists()
    of_package = dict(models.Package.select(models.Package.name, models.Package.feature_list).tuples())
    default = lists[of_package[DEFAULT]]
    query = models.Account.select().where(models.Account.gone_at.is_null())
    return {
        row.name: Entitlement(
            Account(row.name, row.contact, row.package, row.reseller, AccountState(row.state)),
            lists.get(of_package.get(row.package, ""), default),
            row.override,
        )
        for row in (query if of is None else query.where(models.Account.name.in_(list(of))))
    }


def feature_lists() -> dict[str, FeatureList]:
    """Every feature list by name."""
    return {
        row.name: FeatureList(
            row.name,
            row.autossl,
            None if row.service_names is None else tuple(json.loads(row.service_names)),
            row.wildcard,
            None if row.key_type is None else KeyType(row.key_type),
        )
        for row in models.FeatureList.select()
    }


def websites(of: Collection[str] | None = None) -> list[Website]:
    """Websites that exist, of these accounts or of all, in the order in which they were found."""
    row = models.Website
    columns = (row.account, row.names, row.docroot, row.source, row.file, row.line, row.rejected, row.part_of)
    query = row.select(*columns).where(row.gone_at.is_null()).order_by(row.id)
    if of is not None:
        query = query.where(row.account.in_(list(of)))
    return [
        Website(account, tuple(json.loads(names)), *place, tuple(map(tuple, json.loads(rejected))), part_of)
        for account, names, *place, rejected, part_of in query.tuples().iterator()
    ]


def keep_part(part: Website, now: datetime) -> None:
    """Keep a part of a website (`jobs/policy/split.py`) as it is now, whatever its main name was before."""
    values: dict[str, Any] = {
        "account": part.account, "names": json.dumps(part.names), "rejected": "[]", "docroot": None,
        "source": part.source, "file": None, "line": None, "gone_at": None, "part_of": part.part_of,
    }
    fresh = {"main": part.main, "found_at": now, **values}
    models.Website.insert(**fresh).on_conflict(conflict_target=[models.Website.main], update=values).execute()


def end_part(main: str, now: datetime) -> None:
    part = (models.Website.main == main) & models.Website.part_of.is_null(False)
    models.Website.update(gone_at=now).where(part).execute()


def live_certificates(of: Collection[str] | None = None) -> dict[str, Certificate]:
    """The stored certificate of each website that has one, by main name."""
    query = models.Certificate.select().where(models.Certificate.retired_at.is_null())
    if of is not None:
        query = query.where(models.Certificate.website.in_(list(of)))
    revoked = revocations.revoked()
    return {row.website: certificate(row, revoked) for row in query.order_by(models.Certificate.id).iterator()}


def taken_over(of: Collection[str] | None = None) -> frozenset[str]:
    """Main names of the websites (of all, or of these accounts) whose foreign certificates may be replaced."""
    row = models.Website
    query = row.select(row.main).where(row.takeover)
    if of is not None:
        query = query.where(row.account.in_(list(of)))
    return frozenset(main for (main,) in query.tuples())


def known_fingerprints() -> frozenset[str]:
    """Every certificate that was ever issued through this panel, or taken over by it."""
    return frozenset(row[0] for row in models.Certificate.select(models.Certificate.fingerprint).tuples().iterator())


def exclusions(of: Collection[str] | None = None) -> dict[str, frozenset[str]]:
    """Excluded names by account, of all or of these."""
    found: dict[str, set[str]] = {}
    query = models.Exclusion.select(models.Exclusion.account, models.Exclusion.name)
    if of is not None:
        query = query.where(models.Exclusion.account.in_(list(of)))
    for account, name in query.tuples():
        found.setdefault(account, set()).add(name)
    return {account: frozenset(names) for account, names in found.items()}


def troubles(of: Collection[str] | None = None) -> dict[str, dict[str, NameTrouble]]:
    """Stored problems by website (all, or these main names) and name; the empty name is the website itself."""
    found: dict[str, dict[str, NameTrouble]] = {}
    row = models.Problem  # its reports are long, and read one by one
    query = row.select(row.website, row.name, row.code, row.text, row.retry_at, row.since).where(row.service == "")
    rows = query if of is None else query.where(row.website.in_(list(of)))
    for website, name, *trouble in rows.tuples().iterator():
        found.setdefault(website, {})[name] = NameTrouble(*trouble)
    return found


def standings(of: Collection[str] | None = None) -> dict[str, dict[str, Standing]]:
    """The last known state of each website (of all, or of these main names) on each service."""
    found: dict[str, dict[str, Standing]] = {}
    row = models.ServiceState
    query = row.select(row.website, row.service, row.state, row.text, row.fingerprint, row.retry_at)
    rows = query if of is None else query.where(row.website.in_(list(of)))
    for website, service, *standing in rows.tuples().iterator():
        found.setdefault(website, {})[service] = Standing(*standing)
    return found


def accounts_due(now: datetime) -> list[str]:
    """Accounts with work that has a date, and the date has come: an order to go on with, a problem or a service to
    try again, a certificate that is due. Nothing is due whose own problem still waits. Answered by indexes: what is not
    due is not read."""
    websites, own = models.Website, models.Problem.alias()
    due: set[str] = set()
    for table, when in (
        (models.Problem, (models.Problem.retry_at <= now) & models.REAL_PROBLEM),
        (models.ServiceState, models.ServiceState.retry_at <= now),
        (models.Certificate, models.Certificate.retired_at.is_null() & (models.Certificate.due_at <= now)),
    ):
        waits = own.select(own.id).where((own.website == table.website) & (own.name == "") & (own.retry_at > now))
        hit = table.select(table.website).where(when & ~fn.EXISTS(waits))
        rows = websites.select(websites.account).where(websites.gone_at.is_null() & websites.main.in_(hit))
        due |= {owner for (owner,) in rows.distinct().tuples()}
    orders = (models.QueueEntry.kind == "order") & (models.QueueEntry.state == "waiting")
    ready = models.QueueEntry.select(models.QueueEntry.account).where(orders & (models.QueueEntry.run_after <= now))
    return sorted(due | {owner for (owner,) in ready.tuples() if owner})


def keep_certificate(website: str, certificate: Certificate, provider: str, due_at: datetime, now: datetime) -> None:
    """Make `certificate` the live one of `website`; the former is retired."""
    with models.database.atomic():
        same = models.Certificate.website == website
        models.Certificate.update(retired_at=now).where(same & models.Certificate.retired_at.is_null()).execute()
        models.Certificate.create(
            website=website,
            serial=certificate.serial,
            fingerprint=certificate.fingerprint,
            names=json.dumps(certificate.names),
            issuer=certificate.issuer,
            provider=provider,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            due_at=due_at,
            stored_at=now,
            key_type=certificate.key_type,
            taken_from=certificate.taken_from or None,
        )


def former_serials(website: str, newest: int) -> list[str]:
    """The serial numbers of the `newest` certificates of a website, newest first."""
    query = models.Certificate.select(models.Certificate.serial).where(models.Certificate.website == website)
    return [row[0] for row in query.order_by(models.Certificate.id.desc()).limit(newest).tuples()]


def keep_standings(
    states: Mapping[tuple[str, str], tuple[str, str, str | None]],
    now: datetime,
    at_stake: Mapping[tuple[str, str], Certificate] = NOTHING_AT_STAKE,
) -> None:
    """Keep (website, service) -> (state, text, fingerprint), each failure with its own backoff; all of it or nothing.
    `at_stake`: what the service presents until the next try."""
    table = models.ServiceState
    columns = (table.website, table.service, table.attempts)
    with models.database.atomic():
        before: dict[tuple[str, str], int] = {}
        for some in chunked({website for website, _ in states}, AT_ONCE):
            rows = table.select(*columns).where(table.website.in_(some)).tuples()
            before |= {(website, service): attempts for website, service, attempts in rows}
        fresh = []
        for key, (state, text, fingerprint) in states.items():
            attempts = 0 if state == "installed" else before.get(key, 0) + 1
            fresh.append({
                "website": key[0], "service": key[1], "state": state, "text": text, "fingerprint": fingerprint,
                "checked_at": now, "attempts": attempts,
                "retry_at": next_try(attempts, now, at_stake.get(key)) if attempts else None,
            })
        kept = [table.state, table.text, table.fingerprint, table.checked_at, table.attempts, table.retry_at]
        _keep_states(fresh, kept)


def note_begun(websites: Collection[str], service: str, now: datetime) -> None:
    """An installation begins: until its outcome is kept, the service counts as one to be tried again at once."""
    fresh = [
        {"website": website, "service": service, "state": "waiting", "checked_at": now, "retry_at": now}
        for website in websites
    ]
    with models.database.atomic():
        _keep_states(fresh, [models.ServiceState.retry_at])


def _keep_states(fresh: Sequence[dict[str, Any]], kept: Sequence[Any]) -> None:
    """Insert rows; of those that are there already, `kept` are set anew."""
    state = models.ServiceState
    for some in chunked(fresh, AT_ONCE // 10):
        state.insert_many(some).on_conflict(conflict_target=[state.website, state.service], preserve=kept).execute()


def start_run(start: str, scope: str, provider: str, now: datetime) -> models.Run:
    """`scope`: `*`, or the accounts with commas between them."""
    with models.database.atomic():
        run = models.Run.create(start=start, scope=scope, provider=provider, started_at=now)
        accounts = [] if scope == "*" else dict.fromkeys(scope.split(","))
        for account in accounts:
            models.RunAccount.create(run=run, account=account)
    return run


def forget_runs(before: str) -> None:
    """Remove the rows of runs that started before `before` (as `runlog.oldest_kept` says) and are over."""
    old = (models.Run.start < before) & models.Run.finished_at.is_null(False)
    models.Run.delete().where(old).execute()


def close_dead_runs(now: datetime) -> None:
    """Runs whose process died are over; only for who holds the work lock."""
    left = models.Run.finished_at.is_null()
    models.Run.update(result="failed", finished_at=now).where(left).execute()


def finish_run(row: models.Run, result: str, totals: Mapping[str, Any], now: datetime) -> None:
    values = {"result": result, "totals": json.dumps(totals), "finished_at": now}
    models.Run.update(**values).where(models.Run.id == row.id).execute()


def certificate(row: models.Certificate, revoked: Mapping[str, datetime]) -> Certificate:
    """The facts of a stored certificate. `revoked`: since when those are that CAs have revoked, by fingerprint."""
    return Certificate(
        names=tuple(json.loads(row.names)),
        serial=row.serial,
        fingerprint=row.fingerprint,
        issuer=row.issuer,
        not_before=_aware(row.not_before),
        not_after=_aware(row.not_after),
        self_signed=False,
        key_type=row.key_type or "",
        weak=False,
        ari_point=row.ari_point,
        revoked_at=revoked.get(row.fingerprint),
        taken_from=row.taken_from or "",
    )


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
