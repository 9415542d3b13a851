"""A CA that is down, or says "not before", is asked once and not once a website; every website says when it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import models
from jobs import provider_pause
from jobs.check import check as run_steps
from jobs.policy.failure import Failure
from jobs.provider_pause import InARow
from jobs.report import Case
from jobs.wiring import accounts
from jobs.world import Scope
from tests.fakes import NOW
from tests.jobs.check_host import Host, host

__all__ = ["host"]

LATER = NOW + timedelta(hours=3)
BUSY = Failure("ca_unavailable", "ordering: the CA answered HTTP 503", LATER, of_provider=True)
TERMS = Failure("terms_changed", "ordering: agree to the new terms", permanent=True, of_provider=True)
DOWN = Failure("ca_unreachable", "fetching the CA's directory: ca.test: refused", of_provider=True)
ODD = Failure("ca_unavailable", "ordering: the CA answered serverInternal")


class Websites:
    """Four websites of one host, and a CA that raises what a test says; `asked` counts newOrder."""

    def __init__(self, host: Host) -> None:
        self.host = host
        models.Provider.create(name="ca", plugin="custom", current=True, added_at=NOW)
        for name in ("b.test", "c.test", "d.test"):
            accounts.add(host.instance, name[0] * 5, None, "default", [name], None)
        self.asked: list[str] = []
        self.says: dict[str, Failure | None] = {}
        self.usual: Failure | None = None
        real = host.ca.issue

        def issue(request: Any, solvers: Any, journal: Any) -> Any:
            self.asked.append(request.names[0])
            failure = self.says.get(request.names[0], self.usual)
            if failure is not None:
                raise Failure(failure.code, failure.detail, failure.retry_at, failure.permanent,
                              of_provider=failure.of_provider)
            return real(request, solvers, journal)

        host.ca.issue = issue  # type: ignore[method-assign]

    def check(self, forced: bool = False) -> dict[str, Case]:
        """One website at a time, so that what is asked is the same each time."""
        world = self.host.world([self.host.service])
        config = replace(world.config, check=replace(world.config.check, concurrency=1))
        self.asked.clear()
        self.host.pass_by(seconds=1)  # whatever comes, comes later than what was before
        ordering = replace(world.ordering, by_person=self.host.at if forced else None)
        cases = run_steps(replace(world, config=config, ordering=ordering), Scope(forced=forced))
        return {case.website.main: case for case in cases}

    def problems(self) -> dict[str, models.Problem]:
        return {row.website: row for row in models.Problem.select().where(models.Problem.name == "")}


@pytest.fixture
def sites(host: Host) -> Iterator[Websites]:
    yield Websites(host)


def test_a_ca_that_names_a_time_is_asked_once_and_left_in_peace_until_then(sites: Websites) -> None:
    sites.usual = BUSY
    cases = sites.check()
    assert len(sites.asked) == 1
    for row in sites.problems().values():
        assert (row.code, row.retry_at, row.attempts) == ("ca_unavailable", LATER, 1)
        assert "2026-11-24 15:00 UTC" in row.text
        own = row.website == sites.asked[0]
        assert ("HTTP 503" in row.text) == own, "what was said to one website is not told to the owner of another"
    assert all(case.outcome == "failed" and not case.good for case in cases.values())
    sites.host.pass_by(hours=2)
    again = sites.check()
    assert sites.asked == [] and {case.decision.code for case in again.values()} == {"backoff"}
    assert all("tries again at 2026-11-24 15:00 UTC" in case.decision.reason for case in again.values())
    sites.usual = None
    sites.host.at = LATER
    assert {case.outcome for case in sites.check().values()} == {"installed"}
    assert sites.problems() == {} and provider_pause.running("ca", sites.host.at) is None


def test_a_website_that_is_new_meanwhile_does_not_ask_either(sites: Websites) -> None:
    sites.usual = BUSY
    sites.check()
    accounts.add(sites.host.instance, "eve", None, "default", ["e.test"], None)
    cases = sites.check()
    assert sites.asked == []
    assert cases["e.test"].outcome == "failed" and sites.problems()["e.test"].retry_at == LATER
    assert "ca is not asked before 2026-11-24 15:00 UTC: The provider is down" in sites.problems()["e.test"].text


def test_a_person_tries_once_and_success_is_for_everybody(sites: Websites) -> None:
    sites.usual = BUSY
    sites.check()
    sites.check(forced=True)
    assert len(sites.asked) == 1, "the CA said no again, so the other websites are not tried"
    sites.usual = None
    sites.host.pass_by(minutes=1)
    models.Exclusion.create(account="alice", name="a.test")
    cases = sites.check(forced=True)
    assert {case.outcome for name, case in cases.items() if name != "a.test"} == {"installed"}
    assert provider_pause.running("ca", sites.host.at) is None


def test_what_waited_goes_on_when_somebody_found_the_ca_up_again(sites: Websites) -> None:
    sites.usual = BUSY
    sites.check()
    sites.usual = None
    sites.host.pass_by(minutes=5)
    provider_pause.answered("ca", sites.host.at, sites.host.at, InARow())
    assert {row.retry_at for row in sites.problems().values()} == {sites.host.at}
    assert {case.outcome for case in sites.check().values()} == {"installed"}


def test_an_outage_without_a_time_is_looked_at_after_1_10_and_100_minutes(sites: Websites) -> None:
    sites.usual = DOWN
    for wait in (1, 10, 100, 100):
        sites.check()
        assert len(sites.asked) == 1
        pause = provider_pause.running("ca", sites.host.at)
        assert pause is not None and pause.until - sites.host.at == timedelta(minutes=wait)
        assert {row.retry_at for row in sites.problems().values()} == {pause.until}
        assert {row.attempts for row in sites.problems().values()} == {1}, "the websites' own backoff stays as it was"
        sites.host.at = pause.until
    sites.usual = None
    assert {case.outcome for case in sites.check().values()} == {"installed"}
    assert models.Provider.get().failures == 0


def test_an_error_about_one_order_is_nobody_elses(sites: Websites) -> None:
    sites.says["a.test"] = ODD
    cases = sites.check()
    assert [name for name, case in cases.items() if case.outcome == "failed"] == ["a.test"]
    assert sites.problems()["a.test"].retry_at - sites.host.at == timedelta(minutes=1)
    assert provider_pause.running("ca", sites.host.at) is None


def test_three_websites_in_a_row_are_an_outage(sites: Websites) -> None:
    sites.usual = ODD
    sites.check()
    assert len(sites.asked) == 3
    assert provider_pause.running("ca", sites.host.at) is not None


def test_one_website_that_always_fails_never_holds_up_the_others(sites: Websites) -> None:
    sites.says["a.test"] = ODD
    for _ in range(5):
        sites.check(forced=True)
        assert provider_pause.running("ca", sites.host.at) is None
        sites.host.pass_by(hours=24)


def test_a_limit_of_one_website_is_its_own_and_not_believed_for_ten_years(sites: Websites) -> None:
    sites.says["a.test"] = Failure("ca_rate_limited", "exact set", NOW + timedelta(days=3650))
    cases = sites.check()
    assert [name for name, case in cases.items() if case.outcome == "failed"] == ["a.test"]
    assert sites.problems()["a.test"].retry_at == sites.host.at + timedelta(days=7)


def test_a_pause_of_ten_years_is_one_of_a_day_and_says_so(sites: Websites) -> None:
    sites.usual = Failure("ca_rate_limited", "too many", NOW + timedelta(days=3650), of_provider=True)
    sites.check()
    (first,) = [row for row in sites.problems().values() if "which is not waited for" in row.text]
    assert first.retry_at == sites.host.at + timedelta(days=1)
    assert "it names 2036-11-21 12:00 UTC, which is not waited for: it is asked again at 2026-11-25" in first.text


def test_new_terms_stop_orders_until_they_are_accepted_and_certificates_stay(sites: Websites) -> None:
    sites.says = {"b.test": TERMS, "c.test": TERMS, "d.test": TERMS}
    sites.check()
    live = sites.host.service.loaded["a.test"]
    assert sites.asked == ["a.test", "b.test"]
    assert {row.code for row in sites.problems().values()} == {"terms_changed"}
    sites.host.pass_by(hours=23)
    cases = sites.check()
    assert sites.asked == [] and cases["a.test"].outcome == "kept" and sites.host.service.loaded["a.test"] == live
    sites.says.clear()
    provider_pause.lift("ca", sites.host.at)
    assert {case.outcome for case in sites.check().values()} == {"installed", "kept"}


def test_orders_under_way_wait_as_well_and_go_on_after_it(sites: Websites) -> None:
    sites.host.ca.answer = "pending"
    sites.check()
    assert len(sites.asked) == 4
    sites.host.pass_by(minutes=5)
    sites.host.ca.answer = BUSY
    sites.check()
    assert {row.run_after for row in sites.host.rows()} == {LATER}, "the time that the queue shows"
    assert len(sites.host.ca.asked) == 1 and {row.state for row in sites.host.rows()} == {"waiting"}
    sites.host.at, sites.host.ca.answer = LATER, None
    assert {case.outcome for case in sites.check().values()} == {"installed"}
    assert len(sites.host.ca.orders) == 4


def test_a_provider_is_not_held_to_what_another_one_said(sites: Websites) -> None:
    models.Provider.create(name="other", plugin="custom", added_at=NOW)
    sites.usual = BUSY
    sites.check()
    provider_pause.require("other", sites.host.at)
    with pytest.raises(provider_pause.Paused):
        provider_pause.require("ca", sites.host.at)


def test_what_was_asked_before_a_pause_says_nothing_new_about_it(sites: Websites) -> None:
    before = sites.host.at
    for seconds in (1, 2, 3):  # three workers at once
        provider_pause.failed("ca", DOWN, None, before, before + timedelta(seconds=seconds), InARow())
    pause = provider_pause.running("ca", before)
    assert pause is not None and pause.until == before + timedelta(minutes=1, seconds=1)
    assert models.Provider.get().failures == 1
    provider_pause.answered("ca", before, before + timedelta(seconds=4), InARow())
    assert provider_pause.running("ca", before) is not None, "an older success does not end it"
    later = provider_pause.failed("ca", BUSY, None, before, before + timedelta(seconds=5), InARow())
    assert later.retry_at == LATER, "but the CA's own time counts"


def test_the_shortest_lifetime_bounds_a_pause(sites: Websites) -> None:
    assert provider_pause.shortest_lifetime() == timedelta(days=90)
    sites.check()
    models.Certificate.update(not_after=NOW + timedelta(days=6)).where(models.Certificate.website == "b.test").execute()
    assert abs(provider_pause.shortest_lifetime() - timedelta(days=6)) < timedelta(minutes=1)
