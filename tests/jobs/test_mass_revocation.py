"""What a CA asks back at once is replaced within its limits, the most urgent first, before it is revoked."""

from __future__ import annotations

from random import Random

from jobs.wiring.instance import Instance
from tests.jobs.mass_revocation import REVOKED_AFTER, revoke_everything


def test_everything_is_replaced_once_in_time_and_the_most_urgent_first(instance: Instance) -> None:
    number = 96
    outcome = revoke_everything(instance, number, 1, 2, Random(7))
    assert outcome.refused == [], "the CA itself never had to refuse"
    assert (len(outcome.replaced), set(outcome.orders.values())) == (number, {1})
    assert max(outcome.replaced.values()) < REVOKED_AFTER
    assert outcome.new_names == 45, "48 have a new name; 45 of a domain may be had at once, and 3 keep their old names"
    assert outcome.not_the_most_urgent == []
    assert outcome.shown_early > 0
