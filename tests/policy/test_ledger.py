"""What a CA allows is never exceeded, nothing is lost by caution, and the most urgent website goes first."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.certificate import Certificate
from jobs.policy.due import claims_from
from jobs.policy.ledger import Ask, Book, as_of, failure_key, free, give_back, take, times, when
from jobs.policy.limits import OWN_PACE, Counted, Limit
from jobs.providers.letsencrypt import LIMITS as LETS_ENCRYPT
from tests.fakes import NOW

MINUTE = timedelta(minutes=1)
DOMAIN = Limit(Counted.DOMAIN, 50, timedelta(days=7), 45, timedelta(minutes=202))
SAME = Limit(Counted.SAME_SET, 5, timedelta(days=7), 4, timedelta(hours=34))
ORDERS = Limit(Counted.ORDERS, 300, timedelta(hours=3), 250, timedelta(seconds=36))
FAILURES = Limit(Counted.FAILURES, 5, timedelta(hours=1), 3, timedelta(minutes=12))
ALL = (OWN_PACE, DOMAIN, SAME, ORDERS, FAILURES)

limits = st.builds(
    Limit, st.just(Counted.DOMAIN), st.just(9), st.just(MINUTE), st.integers(1, 6),
    st.integers(1, 500).map(lambda seconds: timedelta(seconds=seconds)),
)
steps = st.lists(st.integers(0, 2000).map(lambda seconds: timedelta(seconds=seconds)), max_size=40)


def site(number: int, urgency: float = 0.0, domain: str = "example.com", **more: bool) -> Ask:
    name = f"s{number}.{domain}"
    return Ask(name, (name, f"www.{name}"), (domain,), urgency, **more)


@given(limits, steps)
def test_no_window_has_more_than_the_capacity_and_what_came_back_in_it(limit: Limit, gaps: list[timedelta]) -> None:
    now, full_at, taken = NOW, NOW, deque[datetime]()
    for gap in gaps:
        now += gap
        while free(limit, full_at, now):
            assert when(limit, full_at, now) == now
            full_at = take(limit, full_at, now)
            taken.append(now)
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= limit.capacity + (taken[last] - begin) // limit.refill


@given(limits, steps)
def test_a_unit_is_back_at_the_moment_that_was_named_and_not_before(limit: Limit, gaps: list[timedelta]) -> None:
    now, full_at = NOW, NOW
    for gap in gaps:
        now += gap
        at = when(limit, full_at, now)
        assert free(limit, full_at, at) >= 1
        assert at == now or free(limit, full_at, at - timedelta(microseconds=1)) == 0
        full_at = take(limit, full_at, at)
        now = at


@given(limits, steps, st.integers(0, 5000))
def test_time_only_ever_gives_back(limit: Limit, gaps: list[timedelta], later: int) -> None:
    now, full_at = NOW, NOW
    for gap in gaps:
        now += gap
        full_at = take(limit, full_at, now)
    before = free(limit, full_at, now)
    assert 0 <= before <= free(limit, full_at, now + timedelta(seconds=later)) <= limit.capacity
    assert when(limit, full_at, now) <= now + limit.refill


@given(limits, steps)
def test_what_is_given_back_at_once_was_never_taken(limit: Limit, gaps: list[timedelta]) -> None:
    now, full_at = NOW, NOW
    for gap in gaps:
        now += gap
        before = free(limit, full_at, now), when(limit, full_at, now)
        if before[0]:
            after = give_back(limit.refill, take(limit, full_at, now), now, now)
            assert (free(limit, after, now), when(limit, after, now)) == before
            full_at = take(limit, full_at, now)


@given(limits, st.data())
def test_giving_back_late_is_never_more_than_not_having_taken(limit: Limit, data: st.DataObject) -> None:
    """Beside a bucket that keeps every unit that was really used, and no other."""
    now, full_at, used, open_since = NOW, NOW, NOW, deque[datetime]()
    for _ in range(data.draw(st.integers(1, 30))):
        now += timedelta(seconds=data.draw(st.integers(0, 600)))
        what = data.draw(st.sampled_from(["use", "reserve", "return"]))
        if what == "return" and open_since:
            full_at = give_back(limit.refill, full_at, open_since.popleft(), now)
        elif what != "return" and free(limit, full_at, now):
            full_at = take(limit, full_at, now)
            if what == "use":
                assert free(limit, used, now), "the CA would refuse this"
                used = take(limit, used, now)
            else:
                open_since.append(now)


@given(limits, steps, st.integers(1, 10**9))
def test_a_clock_that_is_set_back_makes_nobody_wait_longer_than_an_empty_bucket(
    limit: Limit, gaps: list[timedelta], back: int
) -> None:
    now, full_at = NOW, NOW
    for gap in gaps:
        now += gap
        full_at = take(limit, full_at, now)
    past = now - timedelta(seconds=back)
    healed = as_of(limit, full_at, past)
    assert 0 <= free(limit, healed, past) <= free(limit, full_at, now) <= limit.capacity
    assert past <= when(limit, healed, past) <= past + limit.refill
    assert give_back(limit.refill, healed, now, past) == healed - limit.refill
    assert as_of(limit, full_at, now) == full_at


def test_what_happened_though_nothing_was_left_leaves_the_bucket_empty_and_no_debt() -> None:
    full_at = NOW
    for _ in range(20):
        full_at = take(FAILURES, full_at, NOW)
    assert (free(FAILURES, full_at, NOW), when(FAILURES, full_at, NOW)) == (0, NOW + timedelta(minutes=12))


def test_the_first_45_go_now_and_each_further_one_with_its_own_unit() -> None:
    found = times(Book(ALL, {}, NOW), [site(number, float(number)) for number in range(60)], NOW)
    assert [name for name, later in found.items() if later is None] == [f"s{one}.example.com" for one in range(45)]
    waits = [later.at - NOW for later in found.values() if later]
    assert waits == [timedelta(minutes=202) * number for number in range(1, 16)]
    later = found["s45.example.com"]
    assert later is not None and later.words == (
        "waits for the CA's limit of 50 certificates for example.com in 7 days; goes on at 2026-11-24 15:22 UTC"
    )


def test_the_most_urgent_has_the_unit_that_is_left_whatever_the_order_of_asking() -> None:
    book = Book(ALL, {(Counted.DOMAIN, "example.com"): NOW + 44 * DOMAIN.refill}, NOW)
    found = times(book, [site(1, 5.0), site(2, 1.0), site(3, 9.0)], NOW)
    assert found["s2.example.com"] is None
    assert [found[f"s{n}.example.com"].at - NOW for n in (1, 3)] == [202 * MINUTE, 404 * MINUTE]  # type: ignore[union-attr]


def test_a_website_that_waits_for_one_domain_does_not_hold_up_those_of_another() -> None:
    book = Book(ALL, {(Counted.DOMAIN, "busy.test"): NOW + 45 * DOMAIN.refill}, NOW)
    both = Ask("both.test", ("a.busy.test", "a.quiet.test"), ("busy.test", "quiet.test"), 0.0)
    found = times(book, [both, *(site(number, 1.0, "quiet.test") for number in range(45))], NOW)
    assert found.pop("both.test") is not None
    assert set(found.values()) == {None}


def test_the_orders_of_an_account_are_shared_by_all_domains() -> None:
    asks = [site(number, float(number), f"d{number}.test") for number in range(255)]
    waits = [later.at - NOW for later in times(Book(ALL, {}, NOW), asks, NOW).values() if later]
    assert waits == [timedelta(seconds=36) * number for number in range(1, 6)]


def test_a_renewal_counts_only_for_its_own_set_and_a_replacement_for_nothing() -> None:
    spent = {
        (Counted.DOMAIN, "example.com"): NOW + 45 * DOMAIN.refill,
        (Counted.ORDERS, ""): NOW + 250 * ORDERS.refill,
    }
    renewal = site(1, renewal=True)
    assert times(Book(ALL, spent, NOW), [renewal], NOW) == {renewal.website: None}
    same = {**spent, (Counted.SAME_SET, renewal.same): NOW + 4 * SAME.refill}
    late = times(Book(ALL, same, NOW), [renewal], NOW)[renewal.website]
    assert late is not None and (late.at, late.limit) == (NOW + timedelta(hours=34), SAME)
    failed = {**same, failure_key("s1.example.com"): NOW + 3 * FAILURES.refill}
    replacing = site(1, replaces=True)
    book = Book(ALL, failed, NOW)
    assert times(book, [replacing], NOW) == {replacing.website: None}
    assert book.changed == set()


def test_a_name_that_failed_too_often_waits_and_is_named() -> None:
    full = {failure_key("*.s1.example.com"): NOW + 3 * FAILURES.refill}
    later = times(Book(ALL, full, NOW), [site(1), site(2)], NOW)["s1.example.com"]
    assert later is not None and later.names == ("s1.example.com",)
    assert "5 failed validations of s1.example.com in 1 hour" in later.words
    assert later.at == NOW + timedelta(minutes=12)


def test_who_waits_for_names_of_its_own_takes_no_unit_from_those_behind_it_that_can_go_now() -> None:
    full = {
        failure_key("s1.example.com"): NOW + 3 * FAILURES.refill,
        (Counted.DOMAIN, "example.com"): NOW + 44 * DOMAIN.refill,
    }
    found = times(Book(ALL, full, NOW), [site(1), site(2, 1.0)], NOW)
    assert found["s2.example.com"] is None
    later = found["s1.example.com"]
    assert later is not None and (later.at, later.key) == (NOW + timedelta(minutes=202), "example.com")


def test_a_set_is_the_same_in_whatever_order_its_names_stand() -> None:
    assert Ask("a", ("x.test", "y.test"), ()).same == Ask("b", ("y.test", "x.test"), ()).same
    assert Ask("a", ("x.test",), ()).same != Ask("a", ("x.test", "y.test"), ()).same


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 10), st.booleans()), max_size=60))
def test_nobody_waits_while_all_that_he_needs_is_there(drawn: list[tuple[int, float, bool]]) -> None:
    small = (Limit(Counted.DOMAIN, 3, MINUTE, 2, 20 * timedelta(seconds=1)), OWN_PACE)
    asks = [site(number, urgency, f"d{domain}.test", renewal=again)
            for number, (domain, urgency, again) in enumerate(drawn)]
    found = times(Book(small, {}, NOW), asks, NOW)
    assert found.keys() == {ask.website for ask in asks}
    for domain in range(4):
        mine = [ask for ask in asks if ask.shared == ((Counted.DOMAIN, f"d{domain}.test"),)]
        mine.sort(key=lambda ask: ask.urgency)
        waits = [(later.at if (later := found[ask.website]) else NOW) - NOW for ask in mine]
        assert sorted(waits) == waits == [timedelta(seconds=20) * max(0, place - 1) for place in range(len(mine))]


@pytest.mark.parametrize("number", [2000])
def test_thousands_are_spread_in_no_time(number: int) -> None:
    asks = [site(one, float(one % 7), f"d{one % 400}.test") for one in range(number)]
    found = times(Book(ALL, {}, NOW), asks, NOW)
    last = max(later.at for later in found.values() if later)
    assert last == NOW + (number - 250) * ORDERS.refill


def test_a_flood_of_new_names_costs_no_renewal_of_the_same_domain() -> None:
    """100 certificates that count for the domain (they were another CA's) beside 500 new names: new ones come first
    until `claims_from`. Three days before the end were too few: 79 of them expired."""
    were = NOW - timedelta(days=60)
    ours = Certificate(("a.test",), "1", "f", "CA", were, NOW + timedelta(days=30), False, "", False)
    book, at = Book(LETS_ENCRYPT, {}, NOW), NOW
    renewals, new = ([f"{kind}{one}.hoster.test" for one in range(many)] for kind, many in (("r", 100), ("n", 500)))
    while renewals and at < ours.not_after:
        first, second = (renewals, new) if at >= claims_from(ours) else (new, renewals)
        name = (first or second)[-1]
        ask = Ask(name, (name,), ("hoster.test",))
        if book.latest(ask.shared, at)[1] is None:
            book.take((*ask.shared, *ask.own, *ask.account), at)
            (first or second).pop()
        else:
            at += timedelta(minutes=10)
    assert renewals == [] and len(new) < 500
