"""A website whose order would break a limit of the CA waits for its turn, is seen waiting, and is no failure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

import jobs.validate
import models
from jobs import records
from jobs import waiting as parked
from jobs.check import check as run_steps
from jobs.policy.failure import Failure
from jobs.policy.limits import Counted, Limit
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.report import Case, totals
from jobs.wiring import accounts, pending
from jobs.wiring.instance import now
from jobs.world import Scope
from tests.fakes import NOW
from tests.jobs.check_host import Host, host

__all__ = ["host"]

REFILL = timedelta(minutes=202)
DOMAIN = Limit(Counted.DOMAIN, 3, timedelta(days=7), 2, REFILL)
FAILURES = Limit(Counted.FAILURES, 5, timedelta(hours=1), 3, timedelta(minutes=12))


@pytest.fixture(autouse=True)
def limited(host: Host) -> None:
    limits(host, DOMAIN, FAILURES)


def limits(host: Host, *those: Limit) -> None:
    specs = Specs("Test CA", "https://ca.test/directory", limits=those)
    host.ca.specs = lambda: specs  # type: ignore[method-assign]


def add(host: Host, *names: str) -> None:
    """Each with an account of its own, beside `a.test` of alice."""
    for name in names:
        accounts.add(host.instance, name.partition(".")[0], None, "default", [name], None)


def ordered(host: Host, *, forced: bool = False) -> dict[str, Case]:
    return {case.website.main: case for case in host.check_all(forced)}


def waiting(host: Host) -> dict[str, datetime]:
    return {row.website: row.run_after for row in host.rows() if row.state == "waiting"}


def with_three(host: Host) -> dict[str, Case]:
    """Four websites in one registered domain and one elsewhere: two of the four have to wait."""
    add(host, "one.shop.test", "two.shop.test", "three.shop.test", "four.shop.test")
    return ordered(host)


def test_what_is_over_the_limit_waits_with_its_time_and_the_rest_is_issued(host: Host) -> None:
    cases = with_three(host)
    assert {main: case.outcome for main, case in cases.items()} == {
        "a.test": "installed", "one.shop.test": "installed", "two.shop.test": "installed",
        "three.shop.test": "waiting", "four.shop.test": "waiting",
    }
    assert waiting(host) == {"three.shop.test": NOW + REFILL, "four.shop.test": NOW + 2 * REFILL}
    assert len(host.ca.orders) == 3, "the CA was not asked for the others"
    assert totals(list(cases.values()))["waiting"] == 2
    words = "waits for the CA's limit of 3 certificates for shop.test in 7 days; goes on at 2026-11-24 15:22 UTC"
    problem = records.troubles()["three.shop.test"][""]
    assert (problem.code, problem.text, problem.retry_at) == ("ca_limit_near", words, NOW + REFILL)
    shown = {entry["website"]: entry for entry in pending.list_pending()}["three.shop.test"]
    assert (shown["next_try"], shown["answer"], shown["order"]) == ("2026-11-24T15:22:00Z", words, None)
    assert (shown["provider"], shown["account"], shown["names"][0]) == ("ca", "three", "three.shop.test")


def test_nothing_of_it_is_looked_at_or_due_before_its_time(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with_three(host)

    def nobody(*_: object) -> dict[str, Verdict]:
        raise AssertionError("a name was tried in vain")

    monkeypatch.setattr(jobs.validate, "preflight", nobody)
    host.pass_by(minutes=201)
    assert records.accounts_due(host.at) == []
    cases = ordered(host)
    assert (cases["three.shop.test"].decision.code, cases["three.shop.test"].outcome) == ("ca_limit_near", "waiting")
    assert len(host.ca.orders) == 3
    assert waiting(host) == {"three.shop.test": NOW + REFILL, "four.shop.test": NOW + 2 * REFILL}


def test_each_goes_on_when_its_turn_has_come(host: Host) -> None:
    with_three(host)
    host.pass_by(minutes=202)
    assert records.accounts_due(host.at) == ["three"]
    assert ordered(host)["three.shop.test"].outcome == "installed"
    assert records.accounts_due(host.at) == []
    host.pass_by(minutes=202)
    assert records.accounts_due(host.at) == ["four"]
    assert ordered(host)["four.shop.test"].outcome == "installed"
    assert (waiting(host), len(host.ca.orders), records.troubles().get("four.shop.test")) == ({}, 5, None)
    assert models.Reservation.select().count() == 0


def test_a_persons_check_does_not_break_the_limit(host: Host) -> None:
    with_three(host)
    for _ in range(5):
        case = ordered(host, forced=True)["three.shop.test"]
        assert (case.outcome, case.failure.code if case.failure else "") == ("waiting", "ca_limit_near")
    assert (len(host.ca.orders), waiting(host)["three.shop.test"]) == (3, NOW + REFILL)
    problem = models.Problem.get(models.Problem.website == "three.shop.test")
    assert (problem.attempts, problem.failures, problem.retry_at) == (1, 0, NOW + REFILL), "no failure, and no backoff"


def test_a_unit_that_comes_back_goes_to_the_next_at_once(host: Host) -> None:
    host.ca.refuses_orders = Failure("ca_refused", "no")
    with_three(host)
    assert waiting(host) == {"three.shop.test": NOW, "four.shop.test": NOW}, "the two before them used nothing up"
    host.ca.refuses_orders = None
    assert records.accounts_due(host.at) == ["four", "three"]
    assert ordered(host)["three.shop.test"].outcome == "installed"


def aged(main: str, days: float, *names: str) -> None:
    """Its certificate has so many days left, and further names have come to the website."""
    ends = {"not_after": NOW + timedelta(days=days), "not_before": NOW + timedelta(days=days - 90)}
    models.Certificate.update(**ends).where(models.Certificate.website == main).execute()
    models.Website.update(names=json.dumps([main, *names])).where(models.Website.main == main).execute()


def test_a_renewal_does_not_wait_for_room_for_new_names(host: Host) -> None:
    with_three(host)
    before = set(records.live_certificates()["one.shop.test"].names)
    aged("one.shop.test", 20, "new.one.shop.test")
    case = ordered(host)["one.shop.test"]
    assert (case.outcome, set(case.names)) == ("installed", before)
    assert host.at - records.live_certificates()["one.shop.test"].not_before < timedelta(hours=1)
    problem = records.troubles()["one.shop.test"]["new.one.shop.test"]
    assert (problem.code, problem.retry_at) == ("ca_limit_near", NOW + 3 * REFILL), "behind the two that have none"
    assert ordered(host)["one.shop.test"].decision.code == "fine"
    host.pass_by(minutes=3 * 202)
    assert "new.one.shop.test" in ordered(host)["one.shop.test"].names


def test_a_renewal_whose_time_is_half_over_comes_before_everything_new(host: Host) -> None:
    """Its names are not those that it has any more, so that it can't be renewed as it is."""
    with_three(host)
    stale = json.dumps(["one.shop.test", "gone.shop.test"])
    models.Certificate.update(names=stale).where(models.Certificate.website == "one.shop.test").execute()
    aged("one.shop.test", 20)
    assert ordered(host)["one.shop.test"].outcome == "waiting"
    assert waiting(host)["one.shop.test"] == NOW + 3 * REFILL, "behind those that have none"
    aged("one.shop.test", 15.2)
    case = ordered(host, forced=True)["one.shop.test"]
    assert (case.outcome, case.dates[""]) == ("waiting", NOW + timedelta(days=0.2)), "looked at again when it is urgent"
    host.pass_by(days=0.2, minutes=1)
    cases = ordered(host)
    assert [cases[main].outcome for main in ("one.shop.test", "three.shop.test")] == ["installed", "waiting"]


def test_the_most_urgent_gets_what_is_left(host: Host) -> None:
    add(host, "one.shop.test", "two.shop.test")
    ordered(host)
    for main, days in (("one.shop.test", 20), ("two.shop.test", 5)):
        models.Certificate.update(provider="former").where(models.Certificate.website == main).execute()
        aged(main, days)
    host.pass_by(minutes=202)
    cases = ordered(host)
    assert (cases["two.shop.test"].outcome, cases["one.shop.test"].outcome) == ("installed", "waiting")


def test_a_certificate_of_no_use_counts_all_the_same(host: Host) -> None:
    host.ca.names = ("other.example",)
    assert host.check().outcome == "failed"
    book = host.world([]).ordering.ledger.book(NOW)
    assert book.full[Counted.DOMAIN, "a.test"] == NOW + REFILL
    assert models.Reservation.select().count() == 0


def test_who_does_not_take_its_turn_keeps_it_free_for_an_hour_and_no_longer(host: Host) -> None:
    ledger = host.world([]).ordering.ledger
    parked.park(ledger, [parked.Waiting("bob", "b.test", ("b.test",), -5.0, NOW, "waits")], NOW)
    assert [ask.website for ask in parked.others("ca", (), NOW + timedelta(minutes=59))] == ["b.test"]
    assert parked.others("ca", ("b.test",), NOW) == []
    assert parked.others("ca", (), NOW + timedelta(minutes=61)) == []


def test_a_website_that_is_not_wanted_any_more_leaves_the_queue(host: Host) -> None:
    with_three(host)
    names = json.loads(models.Website.get(models.Website.main == "four.shop.test").names)
    for name in (*names, "www.four.shop.test", "mail.four.shop.test"):
        models.Exclusion.create(account="four", name=name)
    ordered(host)
    assert waiting(host) == {"three.shop.test": NOW + REFILL}


def test_an_order_counts_its_age_from_when_the_ca_was_asked(host: Host) -> None:
    with_three(host)
    host.pass_by(days=6)
    host.ca.answer, host.ca.retry_at = "pending", host.at
    cases = ordered(host)
    assert cases["three.shop.test"].outcome == "pending"
    row = next(row for row in host.rows() if row.website == "three.shop.test" and row.state == "waiting")
    assert (row.requested_at, row.run_after) == (host.at, host.at + timedelta(minutes=5))


def test_cancelling_a_parked_order_gives_its_units_back(host: Host) -> None:
    host.ca.answer = "pending"
    with_three(host)
    row = next(row for row in host.rows() if row.website == "one.shop.test")
    pending.cancel(host.instance, row.id)
    ledger = host.world([host.service]).ordering.ledger
    assert models.Reservation.get_or_none(models.Reservation.website == "one.shop.test") is None
    before = NOW + 2 * REFILL
    assert ledger.book(now()).full.get((Counted.DOMAIN, "shop.test"), NOW) < before


def test_names_that_failed_too_often_wait_and_do_not_hold_up_the_others(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.Website.update(names=json.dumps(["a.test", "bad.test"])).execute()
    real, asked = host.ca.issue, []

    def issue(request: Any, solvers: Any, journal: Any) -> Any:
        asked.append(request.names)
        bad = {name: f"{name}: no" for name in request.names if name.endswith("bad.test")}
        if bad:
            journal.order_created("https://ca.test/order/x")
            raise Failure("validation_failed", "no", names=bad)
        return real(request, solvers, journal)

    monkeypatch.setattr(host.ca, "issue", issue)
    assert host.check().outcome == "installed"
    for _ in range(4):
        host.check(forced=True)
    tried = [names for names in asked if "bad.test" in names]
    assert len(tried) == 3, "the limit is five, and two are margin"
    problem = records.troubles()["a.test"]["bad.test"]
    assert (problem.code, problem.retry_at) == ("ca_limit_near", NOW + timedelta(minutes=12))
    host.pass_by(minutes=12)
    host.check()
    assert len([names for names in asked if "bad.test" in names]) == 4


def test_orders_are_begun_each_at_its_own_moment(host: Host) -> None:
    limits(host, Limit(Counted.STARTS, 2, timedelta(seconds=2), 2, timedelta(seconds=1)))
    add(host, "one.test", "two.test", "three.test")
    waited: list[datetime] = []
    world = host.world([host.service])
    ordering = replace(world.ordering, wait_until=waited.append)
    cases = run_steps(replace(world, ordering=ordering), Scope())
    assert {case.outcome for case in cases} == {"installed"}
    assert sorted(moment - NOW for moment in waited) == [timedelta(seconds=late) for late in (0, 0, 1, 2)]


def test_an_order_that_is_begun_anew_counts_its_names_for_nobody_else(host: Host) -> None:
    """The CA has lost an order; what it was to certify is still taken, and not taken again."""
    host.ca.answer = "pending"
    add(host, "one.shop.test", "two.shop.test")
    host.check_all()
    host.ca.answer, real = None, host.ca.resume

    def lost(url: str, *rest: Any) -> Any:
        host.ca.resume = real  # type: ignore[method-assign]
        raise Failure("order_gone", f"{url}: no such order")

    host.ca.resume = lost  # type: ignore[method-assign]
    host.pass_by(minutes=5)
    assert {case.outcome for case in host.check_all()} == {"installed"}


def test_a_killed_process_costs_no_unit(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    add(host, "one.shop.test", "two.shop.test")
    with monkeypatch.context() as patch:
        patch.setattr("jobs.issuing.obtain", die)
        patch.setattr("jobs.ledger.sweep", lambda now: None)
        with pytest.raises(Killed):
            host.check_all()
    assert models.Reservation.select().count() == 3
    accounts.remove(host.instance, "one")
    add(host, "new.shop.test")
    cases = ordered(host)
    assert {cases[main].outcome for main in ("two.shop.test", "new.shop.test")} == {"installed"}
