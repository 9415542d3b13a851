"""In which state one name is, as its owner sees it: one word, decided from what is kept about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

SOON = timedelta(days=7)
"""A certificate that ends within this time although it should have been renewed long before."""


class NameState(StrEnum):
    COVERED = "covered"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    FAILING = "failing"
    WAITING = "not checked yet"
    NOT_IN_USE = "not in use"
    EXCLUDED = "excluded"


SECURE = frozenset({NameState.COVERED, NameState.EXPIRING})


def name_state(
    covered: bool, not_after: datetime | None, excluded: bool, unused: bool, has_problem: bool, now: datetime
) -> NameState:
    """`covered`: the website's certificate has the name; `not_after`: when that ends."""
    if excluded:
        return NameState.EXCLUDED
    if covered and not_after is not None:
        if not_after <= now:
            return NameState.EXPIRED
        return NameState.EXPIRING if not_after - now <= SOON and has_problem else NameState.COVERED
    if unused:
        return NameState.NOT_IN_USE
    return NameState.FAILING if has_problem else NameState.WAITING
