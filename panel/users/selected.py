"""What is done with the accounts that were selected in the list, all in one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue

import models
from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.policy.features import DISABLED, ENABLED, FeatureList
from jobs.wiring import features
from panel import hx, work
from panel.access import needs
from panel.audit import audited, note
from panel.paging import SIZES, Ask
from panel.users import listing
from panel.users.tab import pages
from panel.wording import sentence

MANY = 25
"""More accounts than this are changed only after a look at how many they are."""

NAMED = 20
"""Accounts named in the audit log and on the page that asks; the rest is a number."""

GIVE_PACKAGE = "package"


@dataclass(frozen=True)
class Action:
    """`title` asks, `done` tells."""

    title: str
    done: str
    choice: str | None = None


ACTIONS: Mapping[str, Action] = {
    "enable": Action("Enable AutoSSL", "AutoSSL is enabled", ENABLED),
    "disable": Action("Disable AutoSSL", "AutoSSL is disabled", DISABLED),
    "reset": Action("Reset to feature list default", "AutoSSL is as the feature list says"),
    GIVE_PACKAGE: Action("Assign the package", "The package is assigned"),
}


@dataclass(frozen=True)
class Asked:
    """`everything`: all that match the search, not only those that are named."""

    action: str
    names: Sequence[str]
    everything: bool
    package: str
    confirmed: str

    @property
    def title(self) -> str:
        return ACTIONS[self.action].title + (f" {self.package}" if self.action == GIVE_PACKAGE else "")


@pages.post("/users/selected")
@needs(Right.MANAGE)
@audited("accounts.change")
def change_selected() -> ResponseReturnValue:
    """The address carries the state of the list, as it does there."""
    given = features.by_package()
    ask, asked = listing.asked_for(given), _read()
    if asked.action not in ACTIONS:
        abort(400)
    names = _found(ask, asked)
    fault = _fault(asked, names, given)
    if fault:
        return listing.answer(fault)
    note(object=f"{asked.title}: {_named(names)}")
    if len(names) > MANY and asked.confirmed != str(len(names)):
        note(result="asked for confirmation")
        return _confirm(ask, asked, names)
    try:
        changed = _change(asked, names)
    except Failure as failure:
        return listing.answer(f"{sentence(failure)} Nothing was changed.")
    rest = len(names) - changed
    same = f" {_count(rest)} had that already." if rest else ""
    hx.say(f"{ACTIONS[asked.action].done} for {_count(changed)}.{same}", "good" if changed else "info")
    return listing.answer() if hx.wants_partial() else hx.redirect(_list_url(ask))


def _read() -> Asked:
    form = request.form
    names = list(dict.fromkeys(form.getlist("account")))
    return Asked(
        form.get("action", ""), names, bool(form.get("everything")), form.get("package", ""), form.get("confirmed", "")
    )


def _found(ask: Ask, asked: Asked) -> list[str]:
    """Those of the accounts in reach that are meant."""
    row = models.Account
    chosen = listing.matching(ask) if asked.everything else listing.in_reach() & row.name.in_(asked.names)
    return [name for (name,) in row.select(row.name).where(chosen).order_by(row.name).tuples()]


def _fault(asked: Asked, names: Sequence[str], given: Mapping[str, FeatureList]) -> str:
    if asked.action == GIVE_PACKAGE and asked.package not in given:
        return "Choose the package that is to be assigned. Nothing was changed."
    if not names and not asked.names:
        return "Select at least one account. Nothing was changed."
    gone = 0 if asked.everything else len(asked.names) - len(names)
    return f"{_count(gone)} of those selected can't be found any more. Nothing was changed." if gone else ""


def _change(asked: Asked, names: Sequence[str]) -> int:
    """Raises Failure("account_not_ours")."""
    if asked.action == GIVE_PACKAGE:
        return features.give_package(work.instance(), names, asked.package)
    return features.override(names, ACTIONS[asked.action].choice)


def _confirm(ask: Ask, asked: Asked, names: Sequence[str]) -> ResponseReturnValue:
    hidden: dict[str, Any] = {"action": asked.action, "package": asked.package, "confirmed": str(len(names))}
    hidden |= {"everything": "1"} if asked.everything else {"account": asked.names}
    return hx.page_or_whole(
        "users/confirm.html",
        "users/_confirm.html",
        title=f"{asked.title} for {_count(len(names))}?",
        button=asked.title,
        named=names[:NAMED],
        rest=len(names) - len(names[:NAMED]),
        action=url_for("users.change_selected", **_state(ask)),
        away=_list_url(ask),
        hidden=hidden,
    )


def _list_url(ask: Ask) -> str:
    return url_for("users.show", **_state(ask))


def _state(ask: Ask) -> dict[str, Any]:
    now = {"q": ask.q, **ask.filters, "sort": ask.sort, "size": ask.size, "page": ask.page}
    usual = {"sort": listing.USUAL, "size": SIZES[0], "page": 1}
    return {name: value for name, value in now.items() if value != usual.get(name, "")}


def _count(number: int) -> str:
    return f"{number} account{'' if number == 1 else 's'}"


def _named(names: Sequence[str]) -> str:
    rest = len(names) - NAMED
    return f"{_count(len(names))}: {' '.join(names[:NAMED])}{f' and {rest} more' if rest > 0 else ''}"
