"""What the whole product makes of a CA that is down, busy or loses answers: websites wait with a time, nothing is asked
for in vain, and every certificate comes in the end by one order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.wiring import pending, providers
from jobs.wiring.instance import now
from tests.fault_proxy import Changes, Cuts, RefusesNonce, Says, order_says
from tests.jobs.wiring.faulty_ca import PROVIDER, Site, ca, site

__all__ = ["ca", "site"]

PROCESSING = order_says(status="processing", certificate=None)


@pytest.mark.parametrize("status", [429, 503])
def test_a_time_that_the_ca_names_is_stored_shown_and_obeyed(site: Site, status: int) -> None:
    site.add("a.test", "b.test", "c.test")
    site.proxy.fault(Says(status, "rateLimited", "Service busy; retry later.", retry_after=7200), "newOrder")
    found = site.check()
    asked = site.proxy.asked["newOrder"]
    assert 1 <= asked <= 3 and site.proxy.done["newOrder"] == 0
    until = site.row().blocked_until
    assert timedelta(minutes=118) < until - now() <= timedelta(hours=2)
    for name, case in found.items():
        problem = site.problem(name)
        assert problem is not None and problem.retry_at == until
        assert case["problem"]["code"] == {429: "ca_rate_limited", 503: "ca_unavailable"}[status]
        assert f"{until:%Y-%m-%d %H:%M UTC}" in case["problem"]["text"]
    shown = providers.show(site.instance, PROVIDER)["paused"]
    assert shown["until"].startswith(f"{until:%Y-%m-%dT%H:%M}") and "Service busy" in shown["text"]
    site.add("d.test")
    assert {case["outcome"] for case in site.check().values()} <= {"kept", "failed"}
    assert not site.proxy.asked, "the CA is not asked for anything until then"
    site.pass_by(hours=2)
    site.proxy.mends()
    assert {case["code"] for case in site.check().values()} == {"no_certificate"}
    assert site.proxy.done["newOrder"] == 4 and site.row().blocked_until is None


def test_a_person_tries_at_once(site: Site) -> None:
    site.add("a.test")
    site.proxy.fault(Says(503, retry_after=7200), "newOrder", times=2)
    site.check()
    assert site.check(forced=True)["a.test"]["problem"]["code"] == "ca_unavailable"
    assert site.proxy.asked["newOrder"] == 1
    assert site.check(forced=True)["a.test"]["problem"] is None
    assert site.row().blocked_until is None


def test_a_ca_that_is_away_is_asked_for_its_directory_once_for_all_websites(site: Site) -> None:
    site.add(*(f"w{number}.test" for number in range(5)))
    site.proxy.fault(Cuts(), "directory")
    found = site.check()
    assert site.proxy.asked["directory"] <= 4 + 1, "the preflight's one look, and four tries for all orders"
    assert {case["problem"]["code"] for case in found.values()} == {"ca_unreachable"}
    site.proxy.mends()
    site.pass_by(minutes=1)
    site.check()
    assert site.proxy.done["newOrder"] == 5
    troubles = [site.problem(f"w{number}.test") for number in range(5)]
    assert not [trouble.text for trouble in troubles if trouble]


def test_with_nine_of_ten_nonces_refused_every_website_gets_one_certificate_by_one_order(site: Site) -> None:
    site.add("a.test", "b.test")
    kinds = ("newOrder", "order", "authz", "challenge", "finalize", "certificate")
    site.proxy.fault(RefusesNonce(), *kinds, chance=0.9, seed=7)
    looks = 0
    while any(row.state == "waiting" for row in site.orders()) or looks == 0 or len(done(site)) < 2:
        site.check()
        site.pass_by(minutes=100)
        looks += 1
        assert looks < 60
    assert site.proxy.done["newOrder"] == site.proxy.done["certificate"] == 2
    assert not list(site.instance.place.challenges.iterdir())


def done(site: Site) -> list[str]:
    return [row.website for row in site.orders() if row.state == "done"]


def test_an_order_that_is_processing_for_hours_is_polled_by_the_queue_and_finished(site: Site) -> None:
    site.add("a.test")
    site.quick.flies_once(site.proxy.fault(PROCESSING, "finalize"))
    site.proxy.fault(Changes(lambda reply: PROCESSING.made(reply) if reply.json()["status"] == "valid" else reply),
                     "order")
    assert site.check()["a.test"]["outcome"] == "pending"
    (entry,) = [one for one in pending.list_pending() if one["kind"] == "order"]
    assert entry["state"] == "waiting" and "processing" in entry["answer"]
    wait = datetime.fromisoformat(entry["next_try"]) - datetime.now(UTC)
    assert timedelta(minutes=4) < wait <= timedelta(minutes=5)
    for _ in range(3):
        assert site.check()["a.test"]["code"] == "order_pending"
        assert not site.proxy.asked, "not before its time"
        site.pass_by(minutes=5)
        assert site.check()["a.test"]["outcome"] == "pending"
    site.proxy.mends()
    site.pass_by(minutes=5)
    assert site.check()["a.test"]["outcome"] == "installed" or done(site) == ["a.test"]
    assert site.proxy.done["newOrder"] == site.proxy.done["finalize"] == 1


@pytest.mark.parametrize("kind", ["finalize", "certificate"])
def test_an_error_after_the_order_was_made_costs_no_second_one(site: Site, kind: str) -> None:
    site.add("a.test")
    site.proxy.fault(Says(500), kind)
    assert site.check()["a.test"]["problem"]["code"] == "ca_unavailable"
    assert site.proxy.asked[kind] == 4
    site.proxy.mends()
    site.pass_by(minutes=5)
    site.check()
    assert done(site) == ["a.test"] and site.proxy.done["newOrder"] == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_lost_answers_to_new_orders_cost_a_minute(site: Site, after: bool) -> None:
    site.add("a.test")
    site.proxy.fault(Cuts(after), "newOrder", times=2)
    problem = site.check()["a.test"]["problem"]
    assert problem["code"] == "ca_unreachable" and site.proxy.asked["newOrder"] == 2
    assert site.row().blocked_until is None, "two lost answers of one website are no outage"
    site.pass_by(minutes=1)
    site.check()
    assert done(site) == ["a.test"] and site.proxy.done["newOrder"] == (2 if after else 1)
