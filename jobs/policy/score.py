"""The usability score of a provider, 0 to 9 stars, each with its reason (behaviour section 8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jobs.policy.specs import Specs

MANY_NAMES = 100
QUICK = 300
"""Seconds of stated delivery time up to which a star is given."""
COUNTED_METHODS = 2
MOST_STARS = 2 * COUNTED_METHODS + 5


@dataclass(frozen=True, slots=True)
class Star:
    """One line of the score: `subject` as the panel's table names it, what was found, and the stars for it."""

    subject: str
    found: str
    stars: int


@dataclass(frozen=True, slots=True)
class Score:
    parts: tuple[Star, ...]

    @property
    def total(self) -> int:
        return sum(part.stars for part in self.parts)

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each part that earned something, such as "wildcard: yes (1)"."""
        return tuple(f"{part.subject}: {part.found} ({part.stars})" for part in self.parts if part.stars)


def score(specs: Specs) -> Score:
    """Two stars a DCV method (at most two methods) with ancestor DCV, else one; and one each for the other five."""
    each = 2 if specs.ancestor_dcv else 1
    methods = ", ".join(specs.dcv_methods) + (", ancestors too" if specs.ancestor_dcv else "")
    return Score(
        (
            Star("DCV methods", methods, each * min(len(specs.dcv_methods), COUNTED_METHODS)),
            _star("names a certificate", specs.max_names, lambda names: names >= MANY_NAMES),
            _star("delivery time", specs.delivery_time, lambda seconds: seconds <= QUICK),
            _star("redirects", specs.max_redirects, lambda redirects: redirects >= 1),
            Star("weekly limit", _weekly(specs.weekly_limit), int(specs.weekly_limit == 0)),
            Star("wildcard", "yes" if specs.wildcard else "no", int(specs.wildcard)),
        )
    )


def _star(subject: str, value: int | None, earned: Callable[[int], bool]) -> Star:
    """A figure that the CA does not publish earns nothing."""
    return Star(subject, "unspecified", 0) if value is None else Star(subject, str(value), int(earned(value)))


def _weekly(limit: int | None) -> str:
    return {None: "unspecified", 0: "none"}.get(limit, str(limit))
