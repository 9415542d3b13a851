"""Every name of an account: how it is secured, or why it is not and what its owner can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

import models
from jobs.policy.access import Right
from jobs.policy.idn import readable
from jobs.policy.name_state import SECURE, NameState
from jobs.policy.options import NOTIFY_TITLES
from jobs.wiring import own_level
from jobs.wiring.coverage import NameRow, SiteStatus, account_status
from jobs.wiring.instance import now
from panel import hx
from panel.access import account_scope, needs, visible_accounts
from panel.paging import Page, asked, listed, paginate
from panel.status.account import frame, own_account, pages, path
from panel.work import instance

WORST_FIRST = "state"
_ORDER = (
    NameState.EXPIRED, NameState.FAILING, NameState.EXPIRING, NameState.WAITING, NameState.COVERED, NameState.EXCLUDED,
    NameState.NOT_IN_USE,
)
_LAST = datetime.max.replace(tzinfo=UTC)

COLUMNS: Mapping[str, Callable[[NameRow], Any]] = {
    "state": lambda row: _ORDER.index(row.state),
    "name": lambda row: row.name,
    "website": lambda row: row.website,
    "expires": lambda row: row.not_after or _LAST,
}

FILTERS: Mapping[str, tuple[str, frozenset[NameState]]] = {
    "": ("All", frozenset(NameState)),
    "secured": ("Secured", SECURE),
    "problems": ("Problems", frozenset({NameState.EXPIRED, NameState.FAILING, NameState.EXPIRING})),
    "waiting": ("Not checked yet", frozenset({NameState.WAITING})),
    "excluded": ("Excluded", frozenset({NameState.EXCLUDED})),
    "unused": ("Not in use", frozenset({NameState.NOT_IN_USE})),
}

STATES: Mapping[NameState, tuple[str, str, str]] = {
    NameState.COVERED: ("Secured", "good", "lock"),
    NameState.EXPIRING: ("Expires soon", "warn", "clock"),
    NameState.EXPIRED: ("Expired", "bad", "cross"),
    NameState.FAILING: ("Not secured", "bad", "open"),
    NameState.WAITING: ("Not checked yet", "busy", "dots"),
    NameState.EXCLUDED: ("Excluded", "idle", "off"),
    NameState.NOT_IN_USE: ("Not in use", "idle", "dash"),
}
"""How a state reads, its colour, and its icon in templates/status/_icons.html."""

MOST_IN_SELECT = 100
"""Websites; of more, the filter is reached from the list of websites only."""

_ACCOUNT_COLUMNS = {
    "name": models.Account.name,
    "problems": (models.Account.problems, models.Account.name),
    "expires": (models.Account.expires_at, models.Account.name),
}


@pages.get("/status")
@pages.get("/status/<account>")
@needs(Right.SEE)
@account_scope
def show(account: str | None = None) -> ResponseReturnValue:
    """Without an account in the address: one's own, or for who has several the list of them."""
    chosen = account or own_account()
    if chosen is None:
        return _choice()
    return names_page(chosen)


def names_page(account: str, error: str = "", level_error: str = "") -> ResponseReturnValue:
    """The page or its list; `error` stands above the list, `level_error` at the choice of what is mailed."""
    sites = account_status(instance(), account)
    page, counts = _listed(account, sites)
    row = models.Account.get_by_id(account)
    config = instance().config
    answer = hx.page_or_partial(
        "status/index.html",
        "status/_names.html",
        frame=frame(account),
        page=page,
        counts=counts,
        filters=FILTERS,
        states=STATES,
        websites=[site.website for site in sites],
        most_in_select=MOST_IN_SELECT,
        error=error,
        level_error=level_error,
        levels=[(level, NOTIFY_TITLES[level]) for level in own_level.allowed(config)],
        level=own_level.chosen(config, row) if row.notify else None,
        now=now(),
    )
    return (answer, 422) if error or level_error else answer


def _listed(account: str, sites: Sequence[SiteStatus]) -> tuple[Page, dict[str, int]]:
    """The page that is asked for, and how many names each filter would show of the same website and search."""
    filters = {"show": list(FILTERS), "website": ["", *(site.website for site in sites)]}
    ask = asked(COLUMNS, WORST_FIRST, filters)
    of_website, text = ask.filters["website"], ask.q.casefold()
    found = [
        row for site in sites for row in site.names
        if of_website in ("", row.website) and _holds(row, text)
    ]
    counts = {name: sum(row.state in states for row in found) for name, (_, states) in FILTERS.items()}
    shown = [row for row in found if row.state in FILTERS[ask.filters["show"]][1]]
    shown.sort(key=lambda row: (row.website, not row.own, row.name))
    shown.sort(key=COLUMNS[ask.column], reverse=ask.descending)
    return listed(ask, shown, path(account), WORST_FIRST), counts


def _holds(row: NameRow, text: str) -> bool:
    return not text or text in row.name or text in row.website or text in readable(row.name).casefold()


def _choice() -> str:
    """The accounts that one reaches, to choose from."""
    ask = asked(_ACCOUNT_COLUMNS, "name")
    accounts = models.Account
    query = accounts.select().where(visible_accounts(current_user) & accounts.gone_at.is_null())
    if ask.q:
        of = models.Website
        owners = of.select(of.account).where(of.gone_at.is_null() & of.main.contains(ask.q))
        query = query.where(accounts.name.contains(ask.q) | accounts.name.in_(owners))
    page = paginate(ask, query, _ACCOUNT_COLUMNS, "name")
    if hx.wants_partial():
        return hx.partial_only("status/_accounts.html", page=page, now=now())
    return render_template("status/accounts.html", page=page, now=now(), path=request.path)
