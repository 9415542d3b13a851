"""In which state one name is, as its owner sees it: one word, decided from what is kept about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from jobs.policy.certificate import Certificate
from jobs.policy.due import near_end

SOON = timedelta(days=7)
"""A certificate that ends within this time, or a tenth of its lifetime, although it should have been renewed before."""


class NameState(StrEnum):
    COVERED = "covered"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    FAILING = "failing"
    WAITING = "not checked yet"
    NOT_IN_USE = "not in use"
    EXCLUDED = "excluded"


SECURE = frozenset({NameState.COVERED, NameState.EXPIRING})


def ends_soon(certificate: Certificate) -> datetime:
    """From when the end of a certificate counts as near, for who looks at it."""
    return near_end(certificate, SOON)


def name_state(
    certificate: Certificate | None, excluded: bool, unused: bool, has_problem: bool, now: datetime
) -> NameState:
    """`certificate`: the one that covers the name."""
    if excluded:
        return NameState.EXCLUDED
    if certificate is not None:
        if certificate.not_after <= now:
            return NameState.EXPIRED
        return NameState.EXPIRING if has_problem and now >= ends_soon(certificate) else NameState.COVERED
    if unused:
        return NameState.NOT_IN_USE
    return NameState.FAILING if has_problem else NameState.WAITING
