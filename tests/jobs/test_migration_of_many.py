"""A migration to this host stays inside the CA's limits and takes no longer than these ask for."""

from __future__ import annotations

from datetime import timedelta

from jobs.wiring.instance import Instance
from tests.fakes import NOW
from tests.jobs.boulder_limits import BoulderLimits
from tests.jobs.migration import TICK, least, migrate


def test_a_migration_stays_inside_the_limits_and_takes_the_least_time(instance: Instance) -> None:
    number = 60
    outcome = migrate(instance, number)
    assert outcome.refused == [], "the CA itself never had to refuse"
    assert (len(outcome.issued), set(outcome.issued.values())) == (number, {1})
    assert least(number) <= outcome.took <= least(number) + TICK
    assert outcome.most_waiting == number - 45, "everybody else stands in the queue"
    assert max(outcome.looked.values()) == 2, "once at first, and once when its turn has come"


def test_the_ca_of_these_tests_would_refuse_the_51st_and_one_too_early() -> None:
    ca, at = BoulderLimits(), NOW
    for number in range(50):
        assert ca.order([f"s{number}.example.com"], ["example.com"], at)
        ca.issue([f"s{number}.example.com"], ["example.com"], at)
    assert not ca.order(["more.example.com"], ["example.com"], at)
    assert not ca.order(["more.example.com"], ["example.com"], at + timedelta(minutes=201))
    assert ca.order(["more.example.com"], ["example.com"], at + timedelta(minutes=202))
    assert ca.order(["s1.example.com"], ["example.com"], at), "a renewal"
    assert len(ca.refused) == 2
