"""No provider's file lets the ledger go beyond what its CA publishes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import registry
from jobs.policy.limits import Counted, Limit
from jobs.policy.specs import Specs


def specs(name: str) -> Specs:
    plugin = registry.load("providers", name)
    found: Specs = plugin.make(plugin.options(), None).specs()
    return found


def limits() -> list[tuple[str, Limit]]:
    return [(name, limit) for name in registry.names("providers") for limit in specs(name).limits]


@pytest.mark.parametrize("name", registry.names("providers"))
def test_orders_are_begun_at_a_pace_at_every_ca_that_serves_the_public_and_no_limit_is_stated_twice(name: str) -> None:
    counted = [limit.counted for limit in specs(name).limits]
    assert (Counted.STARTS in counted) == (name != "custom") and len(counted) == len(set(counted))


@pytest.mark.parametrize(("name", "limit"), limits(), ids=lambda value: str(getattr(value, "counted", value)))
def test_less_is_taken_at_once_and_comes_back_no_sooner_than_at_the_ca(name: str, limit: Limit) -> None:
    room = 0 if limit.counted is Counted.STARTS else 1
    assert 0 < limit.capacity <= limit.published - room
    assert limit.refill >= limit.period / limit.published


def test_the_numbers_of_lets_encrypt_are_those_that_were_agreed() -> None:
    found = {limit.counted: (limit.capacity, limit.published, limit.period) for limit in specs("letsencrypt").limits}
    assert found == {
        Counted.STARTS: (10, 10, timedelta(seconds=10)),
        Counted.ORDERS: (250, 300, timedelta(hours=3)),
        Counted.DOMAIN: (45, 50, timedelta(days=7)),
        Counted.SAME_SET: (4, 5, timedelta(days=7)),
        Counted.FAILURES: (3, 5, timedelta(hours=1)),
    }
    assert specs("letsencrypt").weekly_limit == 50
