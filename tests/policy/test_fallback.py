"""When the next provider is tried, as a table, and how several reasons are told as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.customer_words import for_owner
from jobs.policy.decision import Action
from jobs.policy.failure import Failure, LeftOff
from jobs.policy.fallback import DOWN, LIMITS, PENDING, REFUSES, forbidden, goes_on, joined
from jobs.policy.plan import Plan
from jobs.policy.problems import CATALOGUE
from tests.fakes import NOW


def lives(days: float) -> Certificate:
    """One of 90 days with so many left; its deferral ends three days before."""
    ends = NOW + timedelta(days=days)
    return Certificate(("a.test",), "1", "f", "CA", ends - timedelta(days=90), ends, False, "ECDSA P-256", False)


def failure(code: str, retry_at: datetime | None = None, *, of_provider: bool = False) -> Failure:
    return Failure(code, code, retry_at, of_provider=of_provider)


@pytest.mark.parametrize("code", sorted(DOWN | REFUSES))
def test_one_that_is_down_or_refuses_for_good_is_not_waited_for(code: str) -> None:
    assert goes_on(failure(code), None, None, NOW)


@pytest.mark.parametrize(
    "code", ["validation_failed", "store_failed", "certificate_expired", "certificate_weak_key", "internal_error",
             "dns_nxdomain", "order_gone", "ca_bad_certificate"]
)
def test_what_another_ca_would_do_no_better_is_tried_with_none(code: str) -> None:
    assert not goes_on(failure(code), None, None, NOW)


def test_what_every_other_order_would_meet_as_well_is_the_providers() -> None:
    assert goes_on(failure("validation_failed", of_provider=True), None, None, NOW)


@pytest.mark.parametrize("code", [PENDING, "ca_unreachable", "ca_unavailable"])
def test_an_order_that_is_under_way_is_left_alone_until_the_end_is_near(code: str) -> None:
    assert not goes_on(failure(code), NOW, None, NOW)
    assert not goes_on(failure(code), NOW, lives(3.1), NOW)
    assert goes_on(failure(code), NOW, lives(3), NOW)


@pytest.mark.parametrize("code", sorted(LIMITS))
def test_a_limit_is_waited_for_unless_the_certificate_would_end_before(code: str) -> None:
    soon, late = NOW + timedelta(days=2), NOW + timedelta(days=8)
    assert not goes_on(failure(code, late), None, None, NOW), "there is nothing to lose yet"
    assert not goes_on(failure(code, soon), None, lives(10), NOW)
    assert goes_on(failure(code, late), None, lives(10), NOW)
    assert goes_on(failure(code, soon), None, lives(-1), NOW)
    assert not goes_on(failure(code, None, of_provider=True), None, lives(10), NOW)


def test_every_code_is_one_that_exists() -> None:
    assert {*DOWN, *REFUSES, *LIMITS, PENDING} <= set(CATALOGUE)
    assert not (DOWN | REFUSES) & LIMITS


@pytest.mark.parametrize(
    ("action", "code", "found"),
    [
        (Action.BLOCKED, "caa_forbids", "caa_forbids"),
        (Action.DEFER, "caa_conditions", "caa_conditions"),
        (Action.BLOCKED, "dns_nxdomain", None),
        (Action.KEEP, "caa_forbids", None),
        (Action.ORDER, "caa_forbids", None),
    ],
)
def test_caa_records_count_where_an_order_should_be_and_is_none(action: Action, code: str, found: str | None) -> None:
    plan = Plan(action, "x", "x", (), (LeftOff("a.test", code, "a.test: no"), LeftOff("b.test", code, "b.test: no")))
    failed = forbidden(plan)
    assert (failed.code if failed else None) == found
    if failed is not None:
        assert (failed.detail, failed.permanent) == ("a.test: no (and 1 more)", True)
        assert goes_on(failed, None, None, NOW)


def test_several_reasons_are_one_that_names_each() -> None:
    soon, late = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    limit = Failure("ca_limit_near", "waits", late)
    down = Failure("ca_unreachable", "no answer", soon)
    one = joined({"a": limit, "b": down})
    assert (one.code, one.detail, one.retry_at) == ("ca_unreachable", "a: waits; b: no answer", soon)
    assert joined({"a": down}) is down
    assert joined({"a": down, "b": Failure("ca_refused", "no")}).retry_at is None


def test_a_customer_does_not_read_what_only_the_host_is_told_of_the_next_provider() -> None:
    inside = Failure("account_key_missing", "/srv/autossl/keys/b.key: there is no such file", permanent=True)
    for first in (Failure("ca_caa", "a.test: no"), Failure(PENDING, "not finished"), Failure("ca_limit_near", "waits")):
        both = joined({"a": first, "b": inside})
        assert "/srv" in both.detail and for_owner(both.code, both.detail).detail == ""


def test_it_is_permanent_only_if_each_is_and_names_only_what_each_refused() -> None:
    first = Failure("ca_rejected_name", "no", permanent=True, names={"a.test": "not a", "b.test": "not b"})
    second = Failure("ca_rejected_name", "never", permanent=True, names={"a.test": "never a"})
    both = joined({"x": first, "y": second})
    assert both.permanent and both.names == {"a.test": "x: not a; y: never a"}
    assert not joined({"x": first, "y": Failure("ca_unreachable", "no answer")}).permanent


def test_a_website_without_a_certificate_waits_a_day_for_an_order_that_hangs() -> None:
    for hours, then in ((23, False), (24, True)):
        assert goes_on(failure(PENDING), NOW - timedelta(hours=hours), None, NOW) is then


def test_a_revoked_certificate_is_nothing_to_wait_with() -> None:
    assert goes_on(failure(PENDING), NOW, replace(lives(30), revoked_at=NOW), NOW)
