"""Every rule is relative to the lifetime: what holds for 90 days holds for a minute and for 398 days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.policy.certificate import Certificate
from jobs.policy.decision import Action, Options, Presented, SiteFacts, Wait, decide, touchable
from jobs.policy.due import deferral_ends, due_at
from jobs.policy.name_state import ends_soon
from jobs.policy.plan import Plan, plan
from jobs.policy.retry import next_poll, next_try
from jobs.policy.site import NameKind, WantedName, Website
from jobs.policy.specs import Specs
from jobs.policy.tick import LONGEST, SHORTEST, tick_every
from jobs.policy.verdict import Verdict
from tests.fakes import NOW

MINUTE, YEAR = timedelta(seconds=60), timedelta(days=398)
USUAL = [MINUTE, timedelta(hours=1), timedelta(hours=12), *map(lambda days: timedelta(days=days), (6, 45, 90, 398))]
lifetimes = st.sampled_from(USUAL) | st.timedeltas(MINUTE, YEAR)
parts = st.floats(0, 1, allow_nan=False)
SPECS, OPTIONS = Specs("Test CA", "https://ca.test/directory"), Options()
SITE = Website("alice", ("a.test", "b.test"))
WANTED = tuple(WantedName(name, NameKind.MAIN, True) for name in SITE.names)


def issued(at: datetime, lifetime: timedelta, backdated: timedelta = timedelta(0)) -> Certificate:
    """CAs begin the validity a while before they issue, Let's Encrypt an hour."""
    begins = at - backdated
    return Certificate(SITE.names, "1", "f", "CA", begins, begins + lifetime, False, "ecdsa-p256", False)


def facts(stored: Certificate | None, waits: dict[str, Wait] | None = None) -> SiteFacts:
    seen = {} if stored is None else {"apache": Presented(stored, linked=True, ours=True)}
    return SiteFacts(SITE, WANTED, stored, seen, waits or {})


def planned(stored: Certificate | None, now: datetime, failing: frozenset[str], waits: dict[str, Wait]) -> Plan:
    """Steps 3 to 5 with these names failing."""
    known = facts(stored, waits)
    verdicts = {
        name: Verdict(name, name not in failing, "http-01", "" if name not in failing else "http_unreachable", name)
        for name in SITE.names
    }
    return plan(decide(known, now, OPTIONS), known, verdicts, SPECS, now, OPTIONS)


def ticks(lifetime: timedelta, phase: float, until: datetime) -> Iterator[datetime]:
    every = tick_every(lifetime)
    moment = NOW + every * phase
    while moment < until:
        yield moment
        moment += every


@given(lifetimes, parts, st.floats(0, 0.04), st.floats(0, 0.05))
def test_a_certificate_never_expires_and_is_never_renewed_before_it_is_due(
    lifetime: timedelta, phase: float, ordering: float, backdated: float
) -> None:
    """Every name validates; an order takes up to 4 % of the lifetime, and a check runs at most once meanwhile."""
    stored = issued(NOW, lifetime, lifetime * backdated)
    renewals = 0
    for _ in range(4):
        due = due_at(stored)
        steps = -(-(due - NOW) // tick_every(lifetime))
        moments = (NOW + tick_every(lifetime) * (steps - 2 + phase + number) for number in range(100))
        for moment in moments:
            done = planned(stored, moment, frozenset(), {})
            assert (done.action is Action.ORDER) == (moment >= due)
            if done.action is Action.ORDER:
                moment += min(lifetime * ordering, timedelta(hours=2))
                assert moment < stored.not_after
                stored = issued(moment, lifetime, lifetime * backdated)
                renewals += 1
                break
    assert renewals == 4


@given(lifetimes, parts, st.integers(0, 12))
def test_a_name_that_fails_for_good_costs_the_others_nothing(
    lifetime: timedelta, phase: float, attempts: int
) -> None:
    """One secured name fails from the due date on. The website waits with its backoff, is checked by the tick, and has
    a new certificate with reduced coverage before the old one ends, and not before the time to wait is over."""
    stored = issued(NOW, lifetime)
    waits: dict[str, Wait] = {}
    moment = due_at(stored) + tick_every(lifetime) * phase
    for _ in range(1000):
        done = planned(stored, moment, frozenset({"b.test"}), waits)
        if done.action is Action.ORDER:
            break
        assert done.action is Action.DEFER and done.defer_until is not None
        attempts += 1
        until = min(next_try(attempts, moment, stored), done.defer_until)
        waits = {"": Wait(until, "deferred", "")}
        every = tick_every(lifetime)
        moment += every * max(1, -(-(until - moment) // every))
    assert done.names == ("a.test",) and deferral_ends(stored) <= moment < stored.not_after


@given(lifetimes, st.floats(0.03, 0.3), st.integers(0, 50), parts)
def test_a_ca_that_comes_back_in_time_saves_what_is_left(
    lifetime: timedelta, left: float, attempts: int, phase: float
) -> None:
    """The CA is down from the due date on and comes back when so much of the lifetime is left."""
    stored = issued(NOW, lifetime)
    back = stored.not_after - lifetime * left
    every = tick_every(lifetime)
    assume(lifetime * left > 3 * every)
    moment = due_at(stored) + every * phase
    while moment < back:
        attempts += 1
        until = next_try(attempts, moment, stored)
        assert until > moment
        moment += every * max(1, -(-(until - moment) // every))
    assert moment < stored.not_after


@given(lifetimes, st.floats(-1, 1), st.integers(1, 50), st.booleans())
def test_no_wait_is_longer_than_a_tenth_of_the_lifetime_or_than_a_day(
    lifetime: timedelta, left: float, attempts: int, permanent: bool
) -> None:
    stored = issued(NOW + lifetime * (left - 1), lifetime)
    wait = next_try(attempts, NOW, stored, permanent=permanent) - NOW
    assert timedelta(0) < wait <= min(timedelta(days=1), lifetime / 10)
    assert wait >= min(timedelta(minutes=1), lifetime / 100)


@given(lifetimes, parts)
def test_a_parked_order_is_given_up_while_a_new_one_can_still_be_made(lifetime: timedelta, age: float) -> None:
    stored = issued(NOW, lifetime)
    ordered = due_at(stored)
    moment = ordered + (stored.not_after - ordered) * age
    poll = next_poll(ordered, moment, stored)
    if poll is None:
        assert moment - ordered >= min(timedelta(days=7), lifetime / 3)
    else:
        assert moment < poll <= moment + lifetime / 10
    assert next_poll(ordered, ordered + lifetime / 3, stored) is None
    assert lifetime / 3 <= stored.not_after - ordered


@given(lifetimes)
def test_the_dates_of_a_certificate_keep_their_order(lifetime: timedelta) -> None:
    stored = issued(NOW, lifetime)
    assert due_at(stored) < ends_soon(stored) <= deferral_ends(stored) < stored.not_after
    tick = tick_every(lifetime)
    assert SHORTEST <= tick <= LONGEST
    assert tick <= lifetime / 10
    assert deferral_ends(stored) + tick < stored.not_after


@given(lifetimes, st.floats(-0.5, 1))
def test_a_foreign_certificate_is_about_to_expire_only_near_its_end(lifetime: timedelta, left: float) -> None:
    """Six-day certificates of another client are renewed by it with three days left, and are none of our business."""
    foreign = issued(NOW + lifetime * (left - 1), lifetime)
    site = replace(facts(None), presented={"apache": Presented(foreign)})
    near = foreign.not_after - NOW <= min(timedelta(days=3), lifetime / 10)
    assert touchable(site, "apache", NOW, Options(replace_foreign=True)) is near
    assert not touchable(site, "apache", NOW, Options())
