"""The catalogue of everything that can be wrong: code, title, severity, what it means, what to do.

The entries lie beside this file, by area: a decision and its reason, what is wrong with a name, an order, this host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from jobs.policy.problem_entries import (
    BACKUP,
    CAA,
    DECISIONS,
    DNS,
    HOST,
    MAIL,
    NAMES,
    ORDERS,
    RENEWALS,
    ROOTSIDE,
    SERVED,
    ZONES,
    Entry,
)


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Problem:
    """`title` stands in lists; `text` explains what it means in general (what happened this time is the `detail` of
    the Failure); `remedy` says what a person does."""

    code: str
    title: str
    severity: Severity
    text: str
    remedy: str


def register(*areas: Mapping[str, Entry]) -> Mapping[str, Problem]:
    """Make one catalogue of `areas`. Raises ValueError for a code that is entered twice."""
    catalogue: dict[str, Problem] = {}
    for area in areas:
        for code, (severity, title, text, remedy) in area.items():
            if code in catalogue:
                raise ValueError(f"the problem {code!r} is entered twice")
            catalogue[code] = Problem(code, title, Severity(severity), text, remedy)
    return MappingProxyType(catalogue)


CATALOGUE = register(BACKUP, DECISIONS, NAMES, CAA, DNS, ZONES, ORDERS, RENEWALS, SERVED, MAIL, HOST, ROOTSIDE)


def problem(code: str) -> Problem:
    """The entry of `code`. Stored rows outlive versions, so a code that is no longer known has an entry as well."""
    unknown = Problem(
        code,
        "Unknown problem",
        Severity.ERROR,
        "It was noted by another version of the program, which this one has no words for.",
        "Run a check; if it comes again, read the log of that run.",
    )
    return CATALOGUE.get(code, unknown)
