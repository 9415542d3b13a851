"""The ledger's rows: all of an order's units or none, kept over crashes, and given back where no certificate came."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

import models
from jobs import ledger
from jobs.ledger import Ledger, asked
from jobs.policy.failure import Failure
from jobs.policy.ledger import Ask
from jobs.policy.limits import OWN_PACE, Counted, Limit
from jobs.providers.letsencrypt import LIMITS
from jobs.wiring.instance import Instance
from tests.fakes import NOW

pytestmark = pytest.mark.usefixtures("instance")

DOMAIN = Limit(Counted.DOMAIN, 50, timedelta(days=7), 2, timedelta(minutes=202))
SAME = Limit(Counted.SAME_SET, 5, timedelta(days=7), 4, timedelta(hours=34))
ORDERS = Limit(Counted.ORDERS, 300, timedelta(hours=3), 250, timedelta(seconds=36))
FAILURES = Limit(Counted.FAILURES, 5, timedelta(hours=1), 3, timedelta(minutes=12))
SMALL = Ledger("ca", (OWN_PACE, DOMAIN, SAME, ORDERS, FAILURES))


def site(name: str, urgency: float = 0.0, **more: bool) -> Ask:
    return asked(name, (name, f"www.{name}"), urgency, **more)


def free(counted: Counted, key: str = "", at=NOW) -> int:
    limit = {limit.counted: limit for limit in SMALL.limits}[counted]
    full_at = SMALL.book(at).full.get((counted, key), at)
    return limit.capacity - -((at - full_at) // limit.refill)


def test_an_order_takes_its_units_until_its_certificate_came() -> None:
    assert SMALL.admit([site("a.example.com")], (), NOW) == {"a.example.com": None}
    assert (free(Counted.DOMAIN, "example.com"), free(Counted.ORDERS)) == (1, 249)
    assert free(Counted.SAME_SET, site("a.example.com").same) == 3
    assert free(Counted.FAILURES, "a.example.com") == 3, "only a failed validation takes one"
    ledger.spent("a.example.com")
    assert models.Reservation.select().count() == 0
    assert free(Counted.DOMAIN, "example.com") == 1


def test_an_order_that_lacks_one_unit_takes_none() -> None:
    for name in ("a.example.com", "b.example.com"):
        SMALL.admit([site(name)], (), NOW)
    both = asked("c.other.test", ("c.other.test", "c.example.com"))
    later = SMALL.admit([both], (), NOW)["c.other.test"]
    assert later is not None and (later.key, later.at) == ("example.com", NOW + timedelta(minutes=202))
    assert (free(Counted.DOMAIN, "other.test"), free(Counted.ORDERS)) == (2, 248)
    assert models.Reservation.select().count() == 2


def test_two_threads_can_not_both_take_the_last_unit(instance: Instance) -> None:
    SMALL.admit([site("first.example.com")], (), NOW)
    gate, found = threading.Barrier(8), []

    def take(number: int) -> None:
        with models.database.connection_context():
            gate.wait()
            found.append(SMALL.admit([site(f"s{number}.example.com")], (), NOW)[f"s{number}.example.com"])

    threads = [threading.Thread(target=take, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [later is None for later in found].count(True) == 1
    assert models.Reservation.select().count() == 2 and free(Counted.DOMAIN, "example.com") == 0


def test_asking_again_for_the_same_order_takes_nothing_more() -> None:
    for _ in range(3):
        assert SMALL.admit([site("a.example.com")], (), NOW) == {"a.example.com": None}
    SMALL.begin(site("a.example.com"), NOW)
    assert (free(Counted.DOMAIN, "example.com"), free(Counted.ORDERS)) == (1, 249)


def test_an_order_for_other_names_gives_back_what_the_former_had() -> None:
    SMALL.admit([site("a.example.com")], (), NOW)
    SMALL.admit([asked("a.example.com", ("a.other.test",))], (), NOW)
    assert (free(Counted.DOMAIN, "example.com"), free(Counted.DOMAIN, "other.test")) == (2, 1)
    assert free(Counted.ORDERS) == 249, "the CA was not asked for the former"


def test_an_order_without_a_certificate_counts_as_an_order_only() -> None:
    SMALL.begin(site("a.example.com"), NOW)
    ledger.unused(["a.example.com"], NOW)
    assert (free(Counted.DOMAIN, "example.com"), free(Counted.ORDERS)) == (2, 249)
    assert free(Counted.SAME_SET, site("a.example.com").same) == 4
    assert models.Reservation.select().count() == 0


def test_what_time_gave_back_meanwhile_is_not_given_back_twice() -> None:
    SMALL.begin(site("a.example.com"), NOW)
    later = NOW + timedelta(minutes=202)
    SMALL.begin(site("b.example.com"), later)
    ledger.unused(["a.example.com"], later)
    assert free(Counted.DOMAIN, "example.com", later) == 1


def test_what_a_dead_process_took_is_given_back_unless_its_order_goes_on() -> None:
    for name in ("lost.example.com", "parked.example.com"):
        SMALL.begin(site(name), NOW)
    parked = {"website": "parked.example.com", "account": "a", "state": "waiting"}
    models.QueueEntry.create(kind="order", key="order:parked.example.com", requested_at=NOW, run_after=NOW, **parked)
    ledger.sweep(NOW)
    assert [row.website for row in models.Reservation.select()] == ["parked.example.com"]
    assert free(Counted.DOMAIN, "example.com") == 1


def test_rows_of_full_buckets_go() -> None:
    SMALL.begin(site("a.example.com"), NOW)
    ledger.spent("a.example.com")
    ledger.sweep(NOW + timedelta(minutes=202))
    assert [row.counted for row in models.Budget.select()] == ["set"]


def test_the_ledger_outlives_a_new_version_with_other_limits() -> None:
    Ledger("ca", LIMITS).begin(site("a.example.com"), NOW)
    lower = Ledger("ca", (Limit(Counted.DOMAIN, 5, timedelta(days=7), 1, timedelta(days=2)),))
    assert lower.admit([site("b.example.com")], (), NOW)["b.example.com"] is not None
    assert Ledger("ca", (OWN_PACE,)).admit([site("b.example.com")], (), NOW) == {"b.example.com": None}


def test_another_provider_has_its_own_rows() -> None:
    for number in range(2):
        SMALL.begin(site(f"{number}.example.com"), NOW)
    assert SMALL.admit([site("c.example.com")], (), NOW)["c.example.com"] is not None
    assert Ledger("other", SMALL.limits).admit([site("c.example.com")], (), NOW) == {"c.example.com": None}


def test_orders_are_begun_one_a_second_after_the_first_ten() -> None:
    moments = [SMALL.begin(site("www.a.test", replaces=True), NOW) for _ in range(13)]
    assert [(moment - NOW).total_seconds() for moment in moments] == [0.0] * 10 + [1.0, 2.0, 3.0]


def test_an_order_that_the_ca_lost_counts_once_more() -> None:
    tight = Ledger("ca", (Limit(Counted.ORDERS, 2, timedelta(hours=3), 1, timedelta(hours=2)),))
    tight.begin(site("a.test"), NOW)
    with pytest.raises(Failure) as refused:
        tight.begin(site("a.test"), NOW)
    assert (refused.value.code, refused.value.retry_at) == ("ca_limit_near", NOW + timedelta(hours=2))
    tight.begin(site("a.test"), NOW + timedelta(hours=2))


def test_a_failed_validation_counts_for_its_names_and_other_failures_do_not() -> None:
    names = {"a.test": "a.test: no", "*.b.test": "b.test: no"}
    for code in ("validation_failed", "ca_caa", "ca_refused", "ca_rejected_name"):
        SMALL.count_failures(Failure(code, "no", names=names), NOW)
    assert (free(Counted.FAILURES, "a.test"), free(Counted.FAILURES, "b.test")) == (1, 1)
    SMALL.count_failures(Failure("validation_failed", "no", names={"a.test": "no"}), NOW)
    with pytest.raises(Failure) as refused:
        SMALL.begin(site("a.test"), NOW)
    assert (refused.value.names.keys(), refused.value.retry_at) == ({"a.test"}, NOW + timedelta(minutes=12))
    assert models.Reservation.select().count() == 0


def test_a_renewal_with_the_same_names_is_free_of_the_domains_limit_only_at_the_ca_that_issued() -> None:
    for number in range(2):
        SMALL.begin(site(f"{number}.example.com"), NOW)
    names = json.dumps(["www.a.example.com", "a.example.com"])
    models.Certificate.create(
        website="a.example.com", serial="1", fingerprint="f", names=names, issuer="", provider="ca",
        not_before=NOW - timedelta(days=60), not_after=NOW + timedelta(days=30), due_at=NOW, stored_at=NOW,
    )
    assert SMALL.admit([site("a.example.com")], (), NOW) == {"a.example.com": None}
    assert free(Counted.SAME_SET, site("a.example.com").same) == 3
    more = asked("a.example.com", ("a.example.com", "www.a.example.com", "new.a.example.com"))
    assert SMALL.admit([more], (), NOW)["a.example.com"] is not None
    ledger.unused(["a.example.com"], NOW)
    assert SMALL.admit([site("a.example.com")], (), NOW + timedelta(days=31)) == {"a.example.com": None}
    assert free(Counted.DOMAIN, "example.com", NOW + timedelta(days=31)) == 1, "that of an expired one is new"


def test_a_more_urgent_website_that_waits_elsewhere_keeps_its_claim() -> None:
    SMALL.begin(site("a.example.com"), NOW)
    waiting = site("urgent.example.com", 1.0)
    assert SMALL.admit([site("late.example.com", 5.0)], [waiting], NOW)["late.example.com"] is not None
    assert SMALL.admit([site("first.example.com", 0.5)], [waiting], NOW) == {"first.example.com": None}


def test_many_orders_cost_a_few_statements() -> None:
    counted: list[str] = []
    wide = Ledger("ca", LIMITS)
    asks = [site(f"s{number}.example.com", float(number)) for number in range(500)]
    models.database.connection().set_trace_callback(counted.append)
    found = wide.admit(asks, (), NOW)
    models.database.connection().set_trace_callback(None)
    assert [later is None for later in found.values()].count(True) == 45
    assert len(counted) < 12, counted
