"""Certificates that are ordered and not there yet: a row for each name."""

from __future__ import annotations

import json
from typing import Any

import models
from jobs.policy.access import Right
from jobs.wiring import pending
from panel.api import answers
from panel.api.domains import websites_of
from panel.api.parameters import ACCOUNT, DOMAIN, Parameter
from panel.api.registry import MAYBE_TIME, NUMBER, TEXT, TIME, Call, Function, rows, shape


def everything(call: Call) -> dict[str, Any]:
    return {
        "pending_certificates": [
            {
                "domain": name,
                "user": row.account,
                "virtual_host": row.website,
                "order_item_id": row.id,
                "request_time": answers.stamp(row.requested_at),
            }
            for row in _orders()
            for name in _names(row)
        ]
    }


def of_account(call: Call) -> dict[str, Any]:
    return {"queue_by_domain": _by_domain(models.QueueEntry.account == call.values["username"])}


def of_domain(call: Call) -> dict[str, Any]:
    name = call.values["domain"]
    found = _by_domain(models.QueueEntry.website.in_(websites_of(name, call.caller)))
    return {"queue_by_domain": [row for row in found if row["domain"] == name]}


def own(call: Call) -> list[dict[str, Any]]:
    return _by_domain(models.QueueEntry.account == call.account)


def _by_domain(condition: Any) -> list[dict[str, Any]]:
    return [
        {
            "domain": name,
            "vhost_name": row.website,
            "order_item_id": row.id,
            "request_time": answers.stamp(row.requested_at),
            "last_poll_time": answers.stamp(row.polled_at),
        }
        for row in _orders(condition)
        for name in _names(row)
    ]


def _orders(*conditions: Any) -> Any:
    entries = models.QueueEntry
    active = entries.state.in_(pending.ACTIVE)
    return entries.select().where(active, entries.kind == "order", *conditions).order_by(entries.id)


def _names(row: models.QueueEntry) -> list[str]:
    names: list[str] = json.loads(row.payload).get("names", [])
    return names


_DATA = shape(queue_by_domain=rows(
    domain=TEXT, vhost_name=TEXT, order_item_id=NUMBER, request_time=TIME, last_poll_time=MAYBE_TIME,
))

FUNCTIONS = (
    Function(
        "get_autossl_pending_queue", "Every name of every certificate that is ordered and not there yet",
        Right.SEE_HOST, everything,
        data=shape(pending_certificates=rows(
            domain=TEXT, user=TEXT, virtual_host=TEXT, order_item_id=NUMBER, request_time=TIME,
        )),
    ),
    Function(
        "get_autossl_pending_queue_for_user", "The same of one account", Right.SEE, of_account,
        (Parameter("username", ACCOUNT, "the name of an account"),), data=_DATA,
    ),
    Function(
        "get_autossl_pending_queue_for_domain", "The same of one name", Right.SEE, of_domain,
        (Parameter("domain", DOMAIN, "a host name"),), data=_DATA,
    ),
    Function(
        "SSL::get_autossl_pending_queue", "The same of one's own account", Right.SEE, own,
        data=_DATA["properties"]["queue_by_domain"],
    ),
)
