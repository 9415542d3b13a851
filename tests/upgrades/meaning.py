"""What the rows of an installation say, as the product reads them: the same before and after every upgrade."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import models
from jobs import queue, records
from jobs.wiring import people, second_factor

PASSWORD = "correct horse battery"
"""Of everybody in a kept database."""


def meaning() -> dict[str, Any]:
    """Of the open database. It depends on no clock, and on nothing but the tables' meaning."""
    return {
        "accounts": {row.name: _account(row) for row in models.Account.select()},
        "websites": {row.main: _website(row) for row in models.Website.select()},
        "exclusions": {account: sorted(names) for account, names in records.exclusions().items()},
        "packages": {row.name: row.feature_list_id for row in models.Package.select()},
        "features": {name: [one.autossl, one.service_names, one.wildcard, one.key_type and one.key_type.value]
                     for name, one in records.feature_lists().items()},
        "live": {site: [one.serial, sorted(one.names), _text(one.not_after), one.key_type]
                 for site, one in records.live_certificates().items()},
        "certificates": sorted([row.serial, row.provider, _text(row.due_at), _text(row.retired_at)]
                               for row in models.Certificate.select()),
        "orders": {site: _order(row) for site, row in queue.active_orders().items()},
        "finished": models.QueueEntry.select().where(models.QueueEntry.state == "done").count(),
        "budgets": sorted([row.provider, row.counted, row.key, _text(row.full_at)] for row in models.Budget.select()),
        "reservations": {row.website: [row.ordered, _text(row.taken_at)] for row in models.Reservation.select()},
        "problems": {site: {name: [one.code, one.text, _text(one.since), _text(one.retry_at)]
                            for name, one in found.items()} for site, found in records.troubles().items()},
        "services": {f"{row.website} {row.service}": [row.state, row.fingerprint, _text(row.checked_at)]
                     for row in models.ServiceState.select()},
        "runs": {row.start: [row.result, row.scope, _text(row.finished_at)] for row in models.Run.select()},
        "records": sorted([row.zone, row.name, row.kind, row.purpose] for row in models.DnsRecord.select()),
        "files": sorted(row.path for row in models.SetupFile.select()),
        "people": {row.name: _person(row) for row in models.User.select()},
        "tokens": {row.label: [row.user.name, row.scope, row.account, _text(row.expires_at)]
                   for row in models.Token.select()},
        "providers": {row.name: [row.current, row.account_url, row.terms_accepted, row.contact]
                      for row in models.Provider.select()},
        "messages": sorted([row.recipient, row.state, row.subject] for row in models.Message.select()),
        "audit": models.AuditEntry.select().count(),
    }


def _account(row: models.Account) -> list[Any]:
    return [row.state, row.package, row.override, row.reseller, row.contact, row.notify, _text(row.found_at),
            _text(row.gone_at), row.wanted, row.covered, _text(row.expires_at)]


def _website(row: models.Website) -> list[Any]:
    return [row.account_id, json.loads(row.names), row.docroot, _text(row.found_at), _text(row.gone_at)]


def _order(row: models.QueueEntry) -> list[Any]:
    names = json.loads(row.payload)["names"]
    return [row.id, row.state, row.provider, row.order_url, names, _text(row.requested_at), row.attempts]


def _person(row: models.User) -> list[Any]:
    secured = row.totp_secret is not None
    return [row.role, row.account, row.contact, people.password_right(row, PASSWORD), secured,
            second_factor.backup_codes_left(row)]


def _text(moment: datetime | None) -> str | None:
    """A time that is not aware can't be one of ours."""
    if moment is None:
        return None
    assert moment.tzinfo is not None
    return moment.isoformat()
