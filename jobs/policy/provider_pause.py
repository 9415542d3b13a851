"""How long a whole provider is left in peace, after it said so itself or failed everybody (behaviour section 5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from jobs.policy.certificate import Certificate
from jobs.policy.due import lifetime

LONGEST_PAUSE = timedelta(days=1)
"""A time that a CA names for everybody, further off than this, is not believed: it is asked daily at least. A tenth of
the shortest lifetime, if that is less, so that a certificate has three tries between due and expired."""

LONGEST = timedelta(days=7)
"""The same for a limit of one website's: the longest window of any published one. A tenth of the lifetime of its
certificate, or half of what is left of that, if that is less."""

SHORTEST = timedelta(minutes=1)
STEPS = (SHORTEST, timedelta(minutes=10), timedelta(minutes=100))
"""The waits after one, two and more failures in a row, where the CA named no time."""

BY_A_PERSON = timedelta(days=1)
"""How often it is tried where only a person can change the outcome."""

SINGLE_FAILURES = 3
"""One request that got no answer, or a 500, may be that order's bad luck; so many websites in a row, in one run, are an
outage."""

LIGHT = frozenset({"ca_unreachable", "ca_unavailable", "ca_not_acme"})
"""Codes of failures of which so many make an outage."""

NAMED = frozenset({"ca_rate_limited", "ca_unavailable"})
"""Codes of failures whose time is one that the CA named."""


def pause_until(
    named: datetime | None, step: int, now: datetime, shortest_lifetime: timedelta, *, permanent: bool = False
) -> datetime:
    """When the provider is asked again. `named`: the time that it gave (Retry-After); `step`: the how manieth time in a
    row it is that it was found down."""
    if named is not None:
        wait = max(named - now, SHORTEST)
    elif permanent:
        wait = BY_A_PERSON
    else:
        wait = STEPS[min(step, len(STEPS)) - 1]
    return now + min(wait, LONGEST_PAUSE, shortest_lifetime / 10)


def obeyed(named: datetime, now: datetime, at_stake: Certificate | None) -> datetime:
    """The time that a CA named for one website, as far as it is believed. `at_stake`: the certificate that ends if
    nothing comes of it."""
    longest = LONGEST
    if at_stake is not None:
        left = at_stake.not_after - now
        longest = min(longest, lifetime(at_stake) / 10, left / 2 if left > timedelta(0) else longest)
    return min(named, now + max(longest, SHORTEST))
