"""The check of one account, from its row: asked for, and watched while it is under way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

import models
from jobs.policy.access import Right
from jobs.policy.features import why_skipped
from jobs.wiring import check_states, features
from panel import hx, work
from panel.access import account_scope, needs, require_account
from panel.audit import audited
from panel.users import listing
from panel.users.tab import pages

MOST_WATCHED = 100
"""A page of the list."""

_WATCHED = re.compile(r"\A([A-Za-z0-9_][A-Za-z0-9_.-]{0,63}):([0-9]{1,15}):([a-z]{1,10})\Z")


@pages.post("/account/<account>/check")
@needs(Right.MANAGE)
@account_scope
@audited("check.account")
def check(account: str) -> ResponseReturnValue:
    row = require_account(account)
    reason = why_skipped(features.entitlement(row, features.by_package()))
    if reason:
        hx.say(f"{account} is not checked: {reason.removeprefix('skipped: ')}.", "warn")
    else:
        _ask(account)
    if not hx.wants_partial():
        return hx.back(url_for("users.show"))
    return hx.partial_only(["users/_checked.html", "users/_poll.html"], lines=_lines([row]), oob=True, active=True)


@pages.get("/users/checks")
@needs(Right.MANAGE)
def checks() -> ResponseReturnValue:
    """Polled by the list while a check of one of its accounts is under way: what is new of those that it watches."""
    if not hx.wants_partial():
        return hx.redirect(url_for("users.show"))
    watched = {account: (entry, state) for account, entry, state in _watched()}
    rows = {row.name: row for row in models.Account.select().where(_in_reach(watched))}
    found = check_states.of_entries((account, watched[account][0]) for account in rows)
    changed = [account for account, state in found.items() if state.state != watched[account][1]]
    active = any(state.active for state in found.values())
    if not changed:
        return hx.unchanged() if active else hx.stop_polling()
    over = [account for account in changed if not found[account].active]
    if over:
        hx.say(f"The check of {over[0]} is over." if len(over) == 1 else f"{len(over)} checks are over.")
    text = hx.partial_only("users/_checked.html", lines=_lines([rows[account] for account in changed]), oob=True)
    return text if active else hx.stop_polling(text)


def _in_reach(accounts: Iterable[str]) -> Any:
    return listing.in_reach() & models.Account.name.in_(list(accounts))


def _ask(account: str) -> None:
    """A person asks, so no backoff holds it up."""
    entry, joined = work.ask_for_check([account], forced=True)
    if not joined:
        hx.say(f"The check of {account} was asked for.", "good")
    else:
        since = f"{entry.requested_at:%Y-%m-%d %H:%M} UTC"
        words = "is under way" if entry.state == "running" else "was asked for already"
        hx.say(f"A check of {account} {words}, since {since}; this request joined it.")


def _lines(rows: list[models.Account]) -> list[listing.Line]:
    return listing.lines(rows, features.by_package())


def _watched() -> Iterator[tuple[str, int, str]]:
    """The account, the entry of the queue and the state of each row that the list shows as active."""
    for text in request.args.getlist("watch")[:MOST_WATCHED]:
        match = _WATCHED.match(text)
        if match:
            yield match[1], int(match[2]), match[3]
