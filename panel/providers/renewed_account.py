"""A new account at a provider, in place of one that is broken, expired or somebody else's. It is asked first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.wiring import providers
from panel import forms, work
from panel.access import needs
from panel.audit import audited
from panel.providers import account_form
from panel.providers.tab import done, pages, require


@pages.get("/<provider>/recreate")
@needs(Right.HOST)
def ask_to_recreate(provider: str) -> ResponseReturnValue:
    one = require(provider)
    if one["account"] is None:
        return done(provider, f"{one['title']} has no account yet; accept its terms to make one.", "warn")
    return _page(one)


@pages.post("/<provider>/recreate")
@needs(Right.HOST)
@audited("provider.recreate")
def recreate(provider: str) -> ResponseReturnValue:
    one = require(provider)
    typed = account_form.typed(one)
    if typed.errors:
        return _page(one, typed.fields), 422
    try:
        providers.reset(work.instance(), provider, typed.eab, typed.accepted, typed.contact)
    except Failure as failure:
        about, words = account_form.fault(failure, one["title"])
        shown = forms.with_errors(typed.fields, {about: words}) if about else typed.fields
        terms = about == "accept"
        return _page(require(provider), shown, error="" if about and not terms else words, terms=terms), 422
    return done(provider, f"There is a new registration at {one['title']}.")


def _page(
    one: Mapping[str, Any], fields: tuple[forms.Field, ...] | None = None, error: str = "", terms: bool = False
) -> str:
    """`terms`: they have changed, and are asked for."""
    shown = fields or account_form.fields(one)
    return render_template(
        "providers/recreate.html",
        one=one,
        fields={one.name: one for one in shown},
        error=error,
        terms=terms or one["terms_changed"],
    )
