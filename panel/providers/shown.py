"""The page of the tab, and the part of it that belongs to the chosen provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request

import models
from jobs.policy.failure import Failure
from jobs.policy.score import MOST_STARS
from jobs.wiring import delivery, providers
from panel import forms, hx, work
from panel.providers import account_form
from panel.providers.tab import known
from panel.wording import sentence

DISABLED = ""
"""The choice of no provider."""


def chosen() -> str:
    """The provider that the address names, else the one in use. What there isn't counts as not named."""
    name = request.args.get("provider")
    return in_use() if name is None or (name != DISABLED and known(name) is None) else name


def in_use() -> str:
    row = models.Provider.get_or_none(models.Provider.current)
    return DISABLED if row is None else str(row.name)


def answer(name: str, asked: bool = True, **state: Any) -> str:
    """The page with `name` chosen, or for htmx only the part beside the list.

    `asked`: the CA is asked for its directory now, which takes seconds if it is slow; else the page asks afterwards.
    """
    context = _beside(name, asked, **state)
    if hx.wants_partial():
        return hx.partial_only("providers/_chosen.html", **context)
    listed = providers.list_providers(work.instance())
    return render_template(
        "providers/index.html",
        listed=listed,
        most_stars=MOST_STARS,
        measured=delivery.measured(),
        behind=behind(listed),
        **context,
    )


def behind(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fallbacks in their order."""
    found = [one for one in listed if one["fallback"] is not None and not one["current"]]
    return sorted(found, key=lambda one: one["fallback"])


def _beside(
    name: str,
    asked: bool,
    error: str = "",
    errors: Mapping[str, str] | None = None,
    fields: tuple[forms.Field, ...] | None = None,
) -> dict[str, Any]:
    """`error` is about the form as a whole, `errors` are about its fields, which are `fields` as they were typed."""
    context: dict[str, Any] = {"chosen": name, "used": in_use(), "errors": dict(errors or {}), "seen": None}
    if name == DISABLED:
        return {**context, "one": None, "error": error}
    one = providers.show(work.instance(), name)
    if asked:
        try:
            one = providers.look(name)
            context["seen"] = one["seen"]
        except Failure as failure:
            error = error or sentence(failure)
    shown = fields or account_form.fields(one)
    return {**context, "one": one, "error": error, "fields": {one.name: one for one in shown}}
