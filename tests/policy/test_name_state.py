"""The one word that stands beside a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.name_state import NameState, name_state

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def ending(left: timedelta, lifetime: timedelta = timedelta(days=90)) -> Certificate:
    """A certificate with so much of its lifetime left."""
    ends = NOW + left
    return Certificate(("a.test",), "1", "f", "CA", ends - lifetime, ends, False, "ecdsa-p256", False)


LATER, SOON, PAST = ending(timedelta(days=60)), ending(timedelta(days=3)), ending(timedelta(days=-1))


@pytest.mark.parametrize(
    ("certificate", "excluded", "unused", "failing", "state"),
    [
        (LATER, False, False, False, NameState.COVERED),
        (LATER, False, False, True, NameState.COVERED),
        (SOON, False, False, False, NameState.COVERED),
        (SOON, False, False, True, NameState.EXPIRING),
        (PAST, False, False, True, NameState.EXPIRED),
        (LATER, True, False, False, NameState.EXCLUDED),
        (None, True, False, True, NameState.EXCLUDED),
        (None, False, True, False, NameState.NOT_IN_USE),
        (None, False, False, True, NameState.FAILING),
        (None, False, False, False, NameState.WAITING),
    ],
)
def test_the_state_follows_from_what_is_known(
    certificate: Certificate | None, excluded: bool, unused: bool, failing: bool, state: NameState
) -> None:
    assert name_state(certificate, excluded, unused, failing, NOW) is state


@pytest.mark.parametrize(
    ("lifetime", "near"),
    [
        (timedelta(seconds=60), timedelta(seconds=6)),
        (timedelta(days=6), timedelta(days=0.6)),
        (timedelta(days=45), timedelta(days=4.5)),
        (timedelta(days=90), timedelta(days=7)),
        (timedelta(days=398), timedelta(days=7)),
    ],
)
def test_what_is_soon_is_a_matter_of_the_lifetime(lifetime: timedelta, near: timedelta) -> None:
    a_bit = lifetime / 1000
    assert name_state(ending(near + a_bit, lifetime), False, False, True, NOW) is NameState.COVERED
    assert name_state(ending(near - a_bit, lifetime), False, False, True, NOW) is NameState.EXPIRING
