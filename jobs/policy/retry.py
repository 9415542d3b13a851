"""When failed work is tried again: a table, shortened where a certificate would be lost to patience (behaviour
section 5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from jobs.policy.certificate import Certificate
from jobs.policy.due import lifetime

STEPS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(minutes=100))
DAILY = timedelta(days=1)

POLLS = (
    (timedelta(days=1), timedelta(minutes=5)),
    (timedelta(days=2), timedelta(hours=1)),
    (timedelta(days=7), timedelta(days=1)),
)
"""Age of a parked order up to which it is polled that often; after the last it is given up."""

SHORTEST = timedelta(minutes=20)
"""However near its end a certificate is, its work is not tried more often: three times an hour is what every CA allows
for one that does not validate. A hundredth of the lifetime, if that is shorter."""


def next_try(
    attempts: int, now: datetime, at_stake: Certificate | None = None, *, permanent: bool = False
) -> datetime:
    """When the work that failed `attempts` times (1 or more) is tried by itself again. `at_stake`: the certificate
    that ends if it is never done, if there is one."""
    wait = DAILY if permanent or attempts > len(STEPS) else STEPS[max(attempts, 1) - 1]
    return now + _patient(wait, now, at_stake)


def next_poll(first_asked: datetime, now: datetime, at_stake: Certificate | None = None) -> datetime | None:
    """When a parked order is asked for again; None when it is given up, so that a new one has its chance: after a
    third of the lifetime of the certificate that it is to renew, if that is shorter than the table."""
    age = now - first_asked
    if at_stake is not None and age >= lifetime(at_stake) / 3:
        return None
    for until, every in POLLS:
        if age < until:
            return now + _patient(every, now, at_stake)
    return None


def _patient(wait: timedelta, now: datetime, at_stake: Certificate | None) -> timedelta:
    """`wait`, but never more than a tenth of the certificate's lifetime, nor of what is left of it: what kept it from
    being renewed may be over shortly before its end. One that has ended can't be lost any more."""
    if at_stake is None:
        return wait
    whole, left = lifetime(at_stake), at_stake.not_after - now
    if left <= timedelta(0):
        return min(wait, whole / 10)
    return min(wait, whole / 10, max(left / 10, min(SHORTEST, whole / 100)))
