"""Connections that break, before the CA heard of a request or after it did what was asked: nothing is done twice that
counts, and nothing is lost."""

from __future__ import annotations

import pytest

from jobs.providers.protocol.polls import LEFT_STANDING
from tests.fault_proxy import Cuts, FaultProxy, Says
from tests.jobs.acme.client import Client
from tests.quick_time import QuickTime

EVERY = ["newNonce", "newOrder", "order", "authz", "challenge", "finalize", "certificate"]


@pytest.mark.parametrize("kind", ["directory", *EVERY])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_connection_that_breaks_once_costs_the_order_nothing(
    proxy: FaultProxy, quick: QuickTime, kind: str, after: bool
) -> None:
    client = Client(proxy, "broken-once.test")
    cut = proxy.fault(Cuts(after), kind, times=1)
    client.bundle()
    assert cut.met == 1
    assert proxy.done["newOrder"] == (2 if (kind, after) == ("newOrder", True) else 1)
    assert len(client.notes.urls) == 1, "the order that is known is the one that is gone on with"
    assert proxy.done["finalize"] == 1


@pytest.mark.parametrize("kind", ["newNonce", "order", "authz", "challenge", "finalize", "certificate"])
def test_what_gets_no_answer_is_asked_for_three_times_more(proxy: FaultProxy, quick: QuickTime, kind: str) -> None:
    client = Client(proxy, "broken-thrice.test")
    cut = proxy.fault(Cuts(), kind, times=3)
    client.bundle()
    assert cut.met == 3 and proxy.done["newOrder"] == 1


def test_a_new_order_whose_answer_is_lost_is_sent_once_more_and_no_further(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "lost-orders.test")
    proxy.fault(Cuts(after=True), "newOrder")
    failure = client.failure()
    assert failure.code == "ca_unreachable" and "ordering" in failure.detail
    assert not failure.of_provider, "one lost answer is no outage"
    assert (proxy.asked["newOrder"], proxy.done["newOrder"]) == (2, 1), "its nonce was used up by the first"
    assert client.notes.urls == []


def test_answers_that_are_lost_between_refused_nonces_are_counted_together(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "every-other.test")
    proxy.fault(Cuts(after=True), "newOrder", chance=0.5, seed=3)
    for _ in range(4):
        client.notes.urls.clear()
        proxy.asked.clear()
        proxy.done.clear()
        try:
            client.go_on()
        except Exception as failure:  # noqa: BLE001 whatever comes of it
            assert getattr(failure, "code", "") == "ca_unreachable"
        assert proxy.done["newOrder"] <= 2


def test_a_challenge_of_which_the_ca_told_nobody_that_it_took_it_is_looked_at(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "untold.test")
    proxy.fault(Cuts(after=True), "challenge")
    client.bundle()
    assert proxy.done["newOrder"] == 1


@pytest.mark.parametrize(
    ("kind", "after"),
    [(kind, after) for kind in ("order", "authz", "challenge", "finalize", "certificate") for after in (False, True)
     if (kind, after) != ("challenge", True)],
)
def test_an_order_that_a_broken_line_ended_is_finished_by_a_later_look(
    proxy: FaultProxy, quick: QuickTime, kind: str, after: bool
) -> None:
    client = Client(proxy, "later.test")
    proxy.fault(Cuts(after), kind)
    failure = client.failure()
    assert failure.code == "ca_unreachable" and proxy.done["newOrder"] == 1
    assert proxy.asked[kind] <= 12, "three polls of four tries at most"
    proxy.mends()
    client.bundle()
    assert proxy.done["newOrder"] == 1


def test_a_lost_answer_to_finalize_leads_to_polling(proxy: FaultProxy, quick: QuickTime) -> None:
    client = Client(proxy, "finalized.test")
    proxy.fault(Cuts(after=True), "finalize", times=1)
    client.bundle()
    assert (proxy.asked["finalize"], proxy.done["finalize"]) == (2 + 1, 1), "sent again, then with a fresh nonce"


def test_a_ca_that_no_connection_leads_to_is_down_for_every_order(proxy: FaultProxy, quick: QuickTime) -> None:
    client = Client(proxy)
    client.options = type(client.options)(directory="https://127.0.0.1:1/dir", ca_bundle=client.options.ca_bundle)
    client.provider = type(client.provider)(client.options, client.account)
    failure = client.failure()
    assert (failure.code, failure.of_provider) == ("ca_unreachable", True)
    assert quick.slept == [0.25, 1.0, 2.0]


def test_answers_stand_on_for_a_while_where_the_ca_was_told_and_can_not_be_asked_any_more(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "told.test", "www.told.test")
    refused = proxy.fault(Says(503, retry_after=3600), "order", times=1)
    looks = len(proxy.pebble.requests) + len(client.request.names)
    quick.lasts(LEFT_STANDING, until=lambda: len(proxy.pebble.requests) >= looks)
    client.failure()
    assert refused.met == 1 and LEFT_STANDING in quick.slept, "the CA may be looking at this very moment"
    proxy.mends()
    client.bundle()
    assert proxy.done["newOrder"] == 1
