"""The one word that stands beside a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.policy.name_state import NameState, name_state

NOW = datetime(2026, 11, 25, tzinfo=UTC)
LATER, SOON, PAST = NOW + timedelta(days=60), NOW + timedelta(days=3), NOW - timedelta(days=1)


@pytest.mark.parametrize(
    ("covered", "ends", "excluded", "unused", "failing", "state"),
    [
        (True, LATER, False, False, False, NameState.COVERED),
        (True, LATER, False, False, True, NameState.COVERED),
        (True, SOON, False, False, False, NameState.COVERED),
        (True, SOON, False, False, True, NameState.EXPIRING),
        (True, PAST, False, False, True, NameState.EXPIRED),
        (True, LATER, True, False, False, NameState.EXCLUDED),
        (False, None, True, False, True, NameState.EXCLUDED),
        (False, None, False, True, False, NameState.NOT_IN_USE),
        (False, None, False, False, True, NameState.FAILING),
        (False, None, False, False, False, NameState.WAITING),
    ],
)
def test_the_state_follows_from_what_is_known(
    covered: bool, ends: datetime | None, excluded: bool, unused: bool, failing: bool, state: NameState
) -> None:
    assert name_state(covered, ends, excluded, unused, failing, NOW) is state
