"""A CA may refuse any nonce: ten fresh ones are tried, and what does not come through is gone on with later."""

from __future__ import annotations

import pytest

from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.providers.protocol.wire import NONCE_RETRIES
from tests.fault_proxy import KINDS, FaultProxy, RefusesNonce
from tests.jobs.acme.client import Client
from tests.quick_time import QuickTime

SIGNED = sorted(set(KINDS.values()) - {"directory", "newNonce", "newAccount"})


@pytest.mark.parametrize("part", [0.05, 0.2, 0.5])
def test_up_to_a_half_of_refused_nonces_are_made_up_for_within_the_order(
    proxy: FaultProxy, quick: QuickTime, part: float
) -> None:
    client = Client(proxy, "nonces.test")
    for seed in range(5):
        proxy.fault(RefusesNonce(), *SIGNED, chance=part, seed=seed)
        client.notes.urls.clear()
        client.bundle()
        proxy.mends()
    assert proxy.done["newOrder"] == 5
    assert proxy.asked["newNonce"] <= 1, "each refusal brings the nonce that is used next"


@pytest.mark.parametrize("seed", range(6))
def test_with_nine_of_ten_nonces_refused_a_certificate_comes_in_the_end_by_one_order(
    proxy: FaultProxy, quick: QuickTime, seed: int
) -> None:
    client = Client(proxy, "nine-of-ten.test")
    refusals = proxy.fault(RefusesNonce(), *SIGNED, chance=0.9, seed=seed)
    found, looks = None, 0
    while not isinstance(found, Bundle):
        looks += 1
        assert looks < 60, "the order does not come forward"
        try:
            found = client.go_on()
        except Failure as failure:
            assert failure.code == "ca_bad_nonce", failure
            assert not failure.permanent and not failure.of_provider
    assert refusals.met > 20
    assert proxy.done["newOrder"] == proxy.done["certificate"] == 1
    assert client.notes.urls and not list(proxy.pebble.challenges.iterdir())


def test_a_ca_that_refuses_every_nonce_is_asked_eleven_times(proxy: FaultProxy, quick: QuickTime) -> None:
    client = Client(proxy)
    proxy.fault(RefusesNonce(), *SIGNED)
    failure = client.failure()
    assert failure.code == "ca_bad_nonce" and "10 fresh nonces were refused" in failure.detail
    assert proxy.asked["newOrder"] == NONCE_RETRIES + 1


def test_refused_nonces_of_polls_leave_the_answers_in_place_while_the_ca_looks(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "looking.test")
    proxy.fault(RefusesNonce(), "authz", times=1)
    refusals = proxy.fault(RefusesNonce(), "order", times=2 * (NONCE_RETRIES + 1))
    client.bundle()
    assert refusals.met == 2 * (NONCE_RETRIES + 1), "two polls in a row had no answer"
