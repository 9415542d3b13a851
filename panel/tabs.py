"""The tabs of the panel: one a blueprint, each for who has the right that its first page needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, current_app, request, url_for
from flask_login import current_user

from jobs.policy.access import Right


@dataclass(frozen=True)
class Tab:
    """`endpoint`: of its first page; every page of the same blueprint belongs to the tab."""

    title: str
    endpoint: str
    right: Right
    away_from: Right | None = None
    """Who has this right as well needs no such tab."""

    @property
    def blueprint(self) -> str:
        return self.endpoint.partition(".")[0]


def set_up(app: Flask, tabs: Sequence[Tab]) -> None:
    app.extensions["tabs"] = tuple(tabs)
    app.jinja_env.globals.update(tabs=shown, tab_url=tab_url)


def shown() -> list[tuple[str, str, bool]]:
    """Title, address and whether it is the present one, of every tab of who is signed in."""
    rights = current_user.rights
    return [
        (tab.title, url_for(tab.endpoint), tab.blueprint == request.blueprint)
        for tab in _all()
        if tab.right in rights and (tab.away_from is None or tab.away_from not in rights)
    ]


def tab_url(title: str) -> str:
    """The address of the tab of that title, if who is signed in may open it; else empty."""
    return next((url for known, url, _ in shown() if known == title), "")


def _all() -> tuple[Tab, ...]:
    tabs: tuple[Tab, ...] = current_app.extensions["tabs"]
    return tabs
