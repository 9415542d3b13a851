"""The list of accounts: searched, sorted, in pages; each with AutoSSL's state, coverage, expiry and its check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from peewee import fn

import models
from jobs.policy.access import Right
from jobs.policy.features import DISABLED, ENABLED, Entitlement, FeatureList
from jobs.policy.idn import ascii_form
from jobs.policy.site import UNASSIGNED, AccountState
from jobs.wiring import check_states, features
from jobs.wiring.check_states import CheckState
from jobs.wiring.instance import now
from panel import hx
from panel.access import needs, visible_accounts
from panel.paging import Ask, Page, asked, paginate
from panel.users.tab import pages

_row = models.Account
COLUMNS: Mapping[str, Any] = {
    "account": _row.name,
    "state": (_row.state, _row.name),
    "package": (_row.package, _row.name),
    "override": (_row.override, _row.name),
    "coverage": (_row.coverage(), _row.name),
    "expires": (_row.expires_at, _row.name),
    "problems": (_row.problems, _row.name),
}
"""Each is an index with `gone_at` before it, so that no page sorts all accounts."""

USUAL = "account"
ONLY: Mapping[str, tuple[str, Any]] = {
    "": ("All accounts", None),
    "problems": ("With problems", _row.problems > 0),
    "uncovered": ("Not fully covered", _row.coverage() < 1),
    "unchecked": ("Not checked yet", _row.wanted.is_null()),
    "suspended": ("Suspended", _row.state == AccountState.SUSPENDED),
    "enabled": ("With the override Enabled", _row.override == ENABLED),
    "disabled": ("With the override Disabled", _row.override == DISABLED),
}


@dataclass(frozen=True)
class Line:
    """One account as a row of the list."""

    row: models.Account
    entitlement: Entitlement
    check: CheckState
    websites: int
    now: datetime

    @property
    def name(self) -> str:
        return str(self.row.name)

    @property
    def unassigned(self) -> bool:
        return self.name == UNASSIGNED

    @property
    def autossl(self) -> tuple[str, str]:
        """Whether AutoSSL looks after it, and by what."""
        return in_words(self.entitlement)

    @property
    def suspended(self) -> bool:
        return bool(self.row.state == AccountState.SUSPENDED)

    @property
    def coverage(self) -> tuple[str, str]:
        """In words, and the kind of a badge."""
        wanted, covered = self.row.wanted, self.row.covered
        if wanted is None:
            return "not checked yet", "idle"
        if not wanted:
            return "no names", "idle"
        kind = "good" if covered == wanted else "warn" if covered else "bad"
        return f"{covered} of {wanted}", kind

    @property
    def expiry(self) -> str:
        """The kind of a badge; empty where there is nothing to point at."""
        ends, near = self.row.expires_at, self.row.near_at
        if ends is None or near is None or near > self.now:
            return ""
        return "bad" if ends <= self.now else "warn"

    @property
    def days(self) -> str:
        """How long its first certificate holds still."""
        left = (self.row.expires_at - self.now).days
        if left < 0:
            return "expired"
        return "today" if left == 0 else f"{left} day{'' if left == 1 else 's'}"


def in_words(entitlement: Entitlement) -> tuple[str, str]:
    """`Enabled` or `Disabled`, and whether the override or the feature list says so."""
    default = ENABLED if entitlement.features.autossl else DISABLED
    if entitlement.override is None:
        return default.capitalize(), "feature list default"
    return entitlement.override.capitalize(), f"override; default: {default}"


@pages.get("/users")
@needs(Right.MANAGE)
def show() -> ResponseReturnValue:
    return answer()


def answer(error: str = "") -> ResponseReturnValue:
    """The list that the address asks for, page or partial; with `error` above it, as 422."""
    given = features.by_package()
    ask = asked_for(given)
    page = listed(ask, given)
    active = any(line.check.active for line in page.rows)
    text = hx.page_or_partial(
        "users/index.html",
        "users/_list.html",
        page=page,
        packages=sorted(given),
        only={value: title for value, (title, _) in ONLY.items()},
        active=active,
        error=error,
    )
    return text, 422 if error else 200


def asked_for(given: Mapping[str, FeatureList]) -> Ask:
    return asked(COLUMNS, USUAL, {"only": tuple(ONLY), "package": ("", *given)})


def listed(ask: Ask, given: Mapping[str, FeatureList]) -> Page:
    """One page, its rows as `Line`s: five queries, however many accounts there are."""
    page = paginate(ask, models.Account.select().where(matching(ask)), COLUMNS, USUAL)
    return replace(page, rows=lines(page.rows, given), path=url_for("users.show"))


def matching(ask: Ask) -> Any:
    """The condition for the accounts in reach that a search and its filters find."""
    found = in_reach()
    if ask.q:
        site = models.Website
        named = site.select(site.account).where(site.gone_at.is_null() & site.names.contains(ascii_form(ask.q)))
        found &= _row.name.contains(ask.q) | _row.contact.contains(ask.q) | _row.name.in_(named)
    only = ONLY[ask.filters["only"]][1]
    if only is not None:
        found &= only
    if ask.filters["package"]:
        found &= _row.package == ask.filters["package"]
    return found


def in_reach() -> Any:
    """The condition for the accounts that exist and that who is signed in reaches."""
    return visible_accounts(current_user) & _row.gone_at.is_null()


def lines(rows: Any, given: Mapping[str, FeatureList]) -> list[Line]:
    """Accounts as rows of the list."""
    names = [row.name for row in rows]
    moment, checks = now(), check_states.of_accounts(names)
    site = models.Website
    mine = site.account.in_(names) & site.gone_at.is_null() & site.part_of.is_null()
    counted = dict(site.select(site.account, fn.COUNT(site.id)).where(mine).group_by(site.account).tuples())
    return [
        Line(row, features.entitlement(row, given), checks[row.name], counted.get(row.name, 0), moment) for row in rows
    ]
