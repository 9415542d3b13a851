"""Answers that come too slowly are given up and asked for again: nobody waits for one longer than the limit."""

from __future__ import annotations

import time

import pytest

from tests.fault_proxy import Delays, FaultProxy, Trickles, What
from tests.jobs.acme.client import Client
from tests.quick_time import QuickTime

LIMIT = 0.15


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit for a whole answer is 30 s; with that of a single read at 15 s, a byte now and then would go on."""
    monkeypatch.setattr("jobs.providers.protocol.wire.WHOLE_ANSWER", LIMIT)


def test_the_limits_are_those_that_are_promised() -> None:
    from jobs.providers.protocol import connections, wire

    assert (connections.READ_TIMEOUT, connections.CONNECT_TIMEOUT, len(wire.RETRY_WAITS)) == (15.0, 10.0, 3)


@pytest.mark.parametrize("what", [Trickles(0.01), Delays(LIMIT * 2)], ids=["by bytes", "late"])
@pytest.mark.parametrize("kind", ["directory", "authz", "finalize", "certificate"])
def test_a_slow_answer_is_asked_for_again(proxy: FaultProxy, quick: QuickTime, what: What, kind: str) -> None:
    client = Client(proxy, "slow.test")
    slow = proxy.fault(what, kind, times=2)
    client.bundle()
    assert slow.met == 2 and proxy.done["newOrder"] == proxy.done["finalize"] == 1


@pytest.mark.parametrize("what", [Trickles(0.01), Delays(LIMIT * 2)], ids=["by bytes", "late"])
def test_an_order_whose_every_answer_is_slow_is_left_in_time_and_finished_later(
    proxy: FaultProxy, quick: QuickTime, what: What
) -> None:
    client = Client(proxy, "always-slow.test")
    proxy.fault(what, "certificate")
    began = time.monotonic()
    failure = client.failure()
    assert failure.code == "ca_unreachable" and "did not answer in time" in failure.detail
    assert time.monotonic() - began < 4 * LIMIT + 2
    assert proxy.asked["certificate"] == 4
    proxy.mends()
    client.bundle()
    assert proxy.done["newOrder"] == 1
