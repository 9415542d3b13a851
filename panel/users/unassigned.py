"""Websites whose owner no source can tell, and the account that each is given to by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

import models
from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.policy.idn import ascii_form
from jobs.policy.site import UNASSIGNED
from jobs.wiring import features, first_checks
from panel import hx, work
from panel.access import needs
from panel.audit import audited, note
from panel.paging import LONGEST_SEARCH, Page, asked, paginate, search_text
from panel.users.tab import pages
from panel.wording import sentence

_site = models.Website
COLUMNS: Mapping[str, Any] = {"website": _site.main, "where": (_site.file, _site.line, _site.id)}
USUAL = "website"

FEW = 50
"""Up to so many accounts are a list to choose from; of more, the name is typed, and some that fit are offered."""

OFFERED = 20
NEWEST_ASSIGNED = 50


@pages.get("/users/unassigned")
@needs(Right.HOST)
def unassigned() -> ResponseReturnValue:
    return _page()


@pages.post("/users/unassigned")
@needs(Right.HOST)
@audited("website.assign")
def assign() -> ResponseReturnValue:
    """Every website for which an account was chosen; all of them, or if one can't be assigned, none."""
    pairs = zip(request.form.getlist("website"), request.form.getlist("account"), strict=False)
    chosen = {website: account.strip() for website, account in pairs if account.strip()}
    note(object=" ".join(f"{website}={account}" for website, account in chosen.items()))
    errors = {}
    try:
        with models.database.atomic():
            for website, account in chosen.items():
                try:
                    features.assign(work.instance(), website, account)
                except Failure as failure:
                    errors[website] = sentence(failure)
            if errors:
                raise _Refused
    except _Refused:
        return _page(chosen, errors)
    if not chosen:
        hx.say("No account was chosen, so nothing was assigned.", "warn")
        return hx.redirect(url_for("users.unassigned"))
    asked_for = first_checks.ask({account for account in chosen.values() if account != UNASSIGNED})
    work.wake()
    checks = f" A check was asked for: {', '.join(asked_for)}." if asked_for else ""
    hx.say(f"{len(chosen)} website{' is' if len(chosen) == 1 else 's are'} assigned.{checks}", "good")
    return hx.redirect(url_for("users.unassigned"))


@pages.get("/users/names")
@needs(Right.HOST)
def names() -> ResponseReturnValue:
    """Accounts whose name fits what is typed, as options."""
    text = search_text(next((text for text in request.args.getlist("account") if text), ""))
    return render_template("users/_options.html", names=_names(text))


class _Refused(Exception):
    """Takes back what was assigned so far."""


def _page(chosen: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None) -> ResponseReturnValue:
    assigned = models.Assignment
    text = hx.page_or_partial(
        "users/unassigned.html",
        "users/_unassigned.html",
        page=_listed(),
        assigned=list(assigned.select().order_by(assigned.assigned_at.desc()).limit(NEWEST_ASSIGNED)),
        names=_names("", FEW + 1),
        few=FEW,
        chosen=chosen or {},
        errors=errors or {},
        nobody=UNASSIGNED,
    )
    return text, 422 if errors else 200


def _listed() -> Page:
    ask = asked(COLUMNS, USUAL)
    mine = (_site.account == UNASSIGNED) & _site.gone_at.is_null() & _site.part_of.is_null()
    if ask.q:
        mine &= _site.names.contains(ascii_form(ask.q)) | _site.file.contains(ask.q)
    page = paginate(ask, _site.select().where(mine), COLUMNS, USUAL)
    return replace(page, rows=[_shown(row) for row in page.rows], path=url_for("users.unassigned"))


def _shown(row: models.Website) -> dict[str, Any]:
    where = f"{row.file}:{row.line}" if row.file and row.line else row.file or row.source
    names = json.loads(row.names)
    return {"id": row.id, "main": row.main, "others": names[1:], "docroot": row.docroot, "where": where}


def _names(text: str, most: int = OFFERED) -> list[str]:
    row = models.Account
    mine = row.gone_at.is_null() & (row.name != UNASSIGNED)
    if text:
        mine &= row.name.contains(text[:LONGEST_SEARCH])
    return [name for (name,) in row.select(row.name).where(mine).order_by(row.name).limit(most).tuples()]
