"""What somebody chooses for his account: which names AutoSSL leaves out, and of what he is told."""

from __future__ import annotations

from collections.abc import Callable, Collection

from flask import request
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.wiring import exclusions, own_level
from jobs.wiring.instance import Instance
from panel import hx
from panel.access import account_scope, needs
from panel.audit import audited, note
from panel.paging import search_text
from panel.status.account import pages, path
from panel.status.names import names_page
from panel.wording import sentence
from panel.work import instance

_NOTED = 20
"""Names that the audit log tells one by one."""


@pages.post("/status/<account>/exclude")
@needs(Right.CHECK)
@account_scope
@audited("names.exclude")
def exclude(account: str) -> ResponseReturnValue:
    return _change(account, exclusions.exclude, "excluded: AutoSSL leaves {them} out from the next check on")


@pages.post("/status/<account>/include")
@needs(Right.CHECK)
@account_scope
@audited("names.include")
def include(account: str) -> ResponseReturnValue:
    return _change(account, exclusions.include, "included: the next check takes {them} in")


@pages.post("/status/<account>/notify")
@needs(Right.CHECK)
@account_scope
@audited("account.notify")
def notify(account: str) -> ResponseReturnValue:
    level = request.form.get("level", "")
    note(object=f"{account} {search_text(level) or 'default'}")
    try:
        own_level.choose(instance().config, account, level or None)
    except Failure as failure:
        return names_page(account, level_error=sentence(failure))
    hx.say("The choice is kept.", "good")
    return hx.redirect(path(account))


def _change(
    account: str, change: Callable[[Instance, str, Collection[str]], int], words: str
) -> ResponseReturnValue:
    """One name by its own button, or those that are checked."""
    only = request.form.get("only")
    names = [only] if only else request.form.getlist("name")
    told = [search_text(name) for name in names[:_NOTED]]
    note(object=f"{account}: {len(names)}: {' '.join(told)}")
    if not names:
        return names_page(account, error="Choose at least one name.")
    try:
        changed = change(instance(), account, names)
    except Failure as failure:
        return names_page(account, error=sentence(failure))
    them = "it" if changed == 1 else "them"
    count = "1 name is" if changed == 1 else f"{changed} names are"
    hx.say(f"{count} {words.format(them=them)}.", "good" if changed else "info")
    return names_page(account) if hx.wants_partial() else hx.back(path(account))
