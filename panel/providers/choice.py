"""Choosing the provider in use, and making an account at one that shall stand behind it."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.wiring import providers
from panel import forms, hx, work
from panel.access import needs
from panel.audit import audited, note
from panel.providers import account_form
from panel.providers.shown import DISABLED, answer, chosen
from panel.providers.tab import done, known, pages

UNKNOWN = "There is no such provider any more."


@pages.get("")
@needs(Right.HOST)
def show() -> ResponseReturnValue:
    """`provider`: the chosen one. `ask`: its CA is asked before the page is shown, for browsers without JavaScript."""
    return answer(chosen(), asked=hx.wants_partial() or "ask" in request.args)


@pages.post("")
@needs(Right.HOST)
@audited("provider.use")
def use() -> ResponseReturnValue:
    name = request.form.get("provider", DISABLED)
    note(object=name or "disabled")
    if name == DISABLED:
        former = providers.disable()
        return done(DISABLED, "AutoSSL is disabled: nothing is ordered any more." if former else "It was disabled.")
    one, refusal = _registered(name, providers.use)
    if one is None:
        return refusal
    return done(name, f"AutoSSL uses {one['title']} now.")


@pages.post("/behind")
@needs(Right.HOST)
@audited("provider.fallback")
def stand_behind() -> ResponseReturnValue:
    """Register where that was not done yet, and put it at the end of the fallbacks."""
    name = request.form.get("provider", DISABLED)
    note(object=name)
    one, refusal = _registered(name, providers.register)
    if one is None:
        return refusal
    providers.keep_fallbacks([*(row.name for row in providers.fallbacks()), name])
    return done(name, f"{one['title']} stands behind the current provider now.")


def _registered(name: str, step: Any) -> tuple[dict[str, Any] | None, ResponseReturnValue]:
    """The facts after `step`, which registers and more; or None, and the page that says why not."""
    one = known(name)
    if one is None:
        return None, (answer(chosen(), asked=False, error=UNKNOWN), 422)
    typed = account_form.typed(one)
    errors, error = dict(typed.errors), ""
    if not errors:
        try:
            return step(work.instance(), name, typed.accepted, typed.contact, typed.eab), ""
        except Failure as failure:
            about, words = account_form.fault(failure, one["title"])
            errors, error = ({about: words}, "") if about else ({}, words)
    hx.say("Nothing was changed: see what is marked.", "bad")
    fields = forms.with_errors(typed.fields, errors)
    return None, (answer(name, error=error, errors=errors, fields=fields), 422)
