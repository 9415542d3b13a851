"""What every page of an account's SSL/TLS Status has: whose it is, if anything is checked, and who reads it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, abort, url_for
from flask_login import current_user

import models
from jobs.policy.access import Right
from jobs.policy.customer_words import Words, for_host, for_owner
from jobs.policy.features import why_skipped
from jobs.policy.idn import readable
from jobs.wiring import coverage
from panel.status.checking import Checking, checking
from panel.tabs import Tab, tab_url
from panel.wording import as_sentence

pages = Blueprint("status", __name__)
TAB = Tab("SSL/TLS Status", "status.show", Right.SEE)

NO_PROVIDER = "AutoSSL is switched off on this server: no provider of certificates is chosen."


@dataclass(frozen=True)
class Frame:
    """`off`: why a check does nothing for the account, or empty."""

    account: str
    off: str
    check: Checking
    logs: str


def frame(account: str) -> Frame:
    """Of an account that exists: whoever asks for a page reaches it, see `panel/access.py`."""
    logs = tab_url("Logs")
    return Frame(account, why_off(account), checking(account), logs and f"{logs}?{urlencode({'account': account})}")


def why_off(account: str) -> str:
    if models.Provider.get_or_none(models.Provider.current) is None:
        return NO_PROVIDER
    known = coverage.entitlement(account)
    if known is None:
        abort(404)
    reason = why_skipped(known).removeprefix("skipped: ")
    return as_sentence(reason) if reason else ""


def own_account() -> str | None:
    """The account of a user who has one of his own."""
    row: models.User = current_user.row
    return row.account if not current_user.may(Right.MANAGE) else None


def words(code: str, detail: str) -> Words:
    """What is said of a problem to who reads the page."""
    return (for_host if current_user.may(Right.SEE_HOST) else for_owner)(code, detail)


def path(account: str) -> str:
    """The list of an account's names."""
    return url_for("status.show", account=account)


pages.add_app_template_filter(readable, "readable")
pages.add_app_template_global(words, "problem_words")
