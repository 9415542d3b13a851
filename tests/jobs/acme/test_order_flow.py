"""Orders at a real Pebble: what is asked, what is kept, and what is left behind."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from jobs.courses import Waits, finish
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.proof import prove
from jobs.ports import Eab
from jobs.providers.custom import Provider
from tests.jobs.acme.client import Notes, options, registered, request, solvers
from tests.jobs.acme.pebble import Pebble
from tests.quick_time import QuickTime


def issued(pebble: Pebble, provider: Provider, *names: str) -> Bundle:
    asked = request(*names)
    bundle = finish(provider.issue(asked, solvers(pebble), Notes()))
    assert isinstance(bundle, Bundle)
    prove(bundle, names, datetime.now(UTC))
    return bundle


def test_one_and_several_names_are_issued_and_no_challenge_is_left(pebble: Pebble) -> None:
    provider = registered(pebble)
    issued(pebble, provider, "one.test")
    issued(pebble, provider, *(f"n{number}.two.test" for number in range(10)))
    assert list(pebble.challenges.iterdir()) == []


def test_the_order_url_is_kept_before_any_further_request(pebble: Pebble) -> None:
    class Dying:
        def order_created(self, url: str) -> None:
            raise KeyboardInterrupt(url)

    before = len(pebble.requests)
    with pytest.raises(KeyboardInterrupt, match="my-order"):
        finish(registered(pebble).issue(request("journal.test"), solvers(pebble), Dying()))
    assert len(pebble.requests) == before
    assert list(pebble.challenges.iterdir()) == []


def test_an_order_is_gone_on_with_from_where_it_stands(pebble: Pebble) -> None:
    provider = registered(pebble)
    asked, notes = request("resume.test"), Notes()

    class Dying(Notes):
        def order_created(self, url: str) -> None:
            super().order_created(url)
            raise KeyboardInterrupt

    dying = Dying()
    with pytest.raises(KeyboardInterrupt):
        finish(provider.issue(asked, solvers(pebble), dying))
    bundle = finish(provider.resume(dying.urls[0], asked, solvers(pebble)))
    assert isinstance(bundle, Bundle)
    again = finish(provider.resume(dying.urls[0], asked, solvers(pebble)))
    assert isinstance(again, Bundle)
    assert again.leaf == bundle.leaf, "a valid order is downloaded, not ordered again"
    assert notes.urls == []


def test_an_order_that_the_ca_does_not_know_is_gone(pebble: Pebble) -> None:
    url = pebble.directory_url.replace("/dir", "/my-order/nothing")
    with pytest.raises(Failure) as caught:
        finish(registered(pebble).resume(url, request("gone.test"), solvers(pebble)))
    assert caught.value.code == "order_gone"


def test_a_failed_validation_tells_the_cas_own_words_and_leaves_no_challenge(pebble: Pebble) -> None:
    class Silent:
        def present(self, name: str, token: str, key_authorization: str) -> None:
            (pebble.challenges / token).write_text("something else")

        def settle(self, name: str, token: str) -> Waits[None]:
            yield from ()

        def clean(self, name: str, token: str) -> None:
            (pebble.challenges / token).unlink()

    with pytest.raises(Failure) as caught:
        finish(registered(pebble).issue(request("wrong.test"), {"http-01": Silent()}, Notes()))
    assert caught.value.code == "validation_failed"
    assert "wrong.test" in caught.value.detail
    assert "unauthorized" in caught.value.detail
    assert list(pebble.challenges.iterdir()) == []


def test_a_name_that_the_ca_forbids_is_a_permanent_failure(pebble: Pebble) -> None:
    with pytest.raises(Failure) as caught:
        finish(registered(pebble).issue(request("blocked.test"), solvers(pebble), Notes()))
    assert caught.value.code == "ca_rejected_name"
    assert caught.value.permanent
    assert "blocked.test" in caught.value.detail


def test_nonces_that_pebble_itself_refuses_are_replaced(
    another_pebble: Callable[..., Pebble], quick: QuickTime
) -> None:
    pebble = another_pebble(PEBBLE_WFE_NONCEREJECT="40")
    provider = registered(pebble)
    for number in range(3):
        issued(pebble, provider, f"nonce{number}.test")


def test_an_authorization_that_is_valid_already_is_reused(another_pebble: Callable[..., Pebble]) -> None:
    pebble = another_pebble(PEBBLE_AUTHZREUSE="100")
    provider = registered(pebble)
    issued(pebble, provider, "reuse.test")
    seen = len(pebble.requests)
    issued(pebble, provider, "reuse.test")
    assert len(pebble.requests) == seen


def test_eight_orders_at_once_share_one_provider(another_pebble: Callable[..., Pebble]) -> None:
    pebble = another_pebble()
    provider = registered(pebble)
    with ThreadPoolExecutor(4) as pool:
        bundles = list(pool.map(lambda number: issued(pebble, provider, f"at-once{number}.test"), range(8)))
    assert len({bundle.leaf for bundle in bundles}) == 8


def test_the_terms_are_accepted_by_a_person_or_not_at_all(pebble: Pebble) -> None:
    with pytest.raises(Failure) as caught:
        Provider(options(pebble)).register(None, False, None)
    assert caught.value.code == "terms_not_accepted"
    assert "data:text/plain" in caught.value.detail


HMAC = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


def test_external_account_binding_is_demanded_checked_and_accepted(another_pebble: Callable[..., Pebble]) -> None:
    pebble = another_pebble(eab={"kid-1": HMAC})

    def code(eab: Eab | None) -> str:
        with pytest.raises(Failure) as caught:
            registered(pebble, eab)
        return caught.value.code

    assert code(None) == "eab_required"
    assert code(Eab("kid-1", "AAAA" + HMAC[4:])) == "ca_refused"
    assert code(Eab("kid-1", "not base64!")) == "eab_invalid"
    issued(pebble, registered(pebble, Eab("kid-1", HMAC)), "bound.test")


def test_an_account_that_the_ca_forgot_says_so(another_pebble: Callable[..., Pebble]) -> None:
    old, new = another_pebble(), another_pebble()
    account = Provider(options(old)).register(None, True, None)
    provider = Provider(options(new), account)
    with pytest.raises(Failure) as caught:
        finish(provider.issue(request("forgotten.test"), solvers(new), Notes()))
    assert (caught.value.code, caught.value.of_provider) == ("account_gone", True)


def test_a_ca_that_is_down_is_named_with_the_cause(another_pebble: Callable[..., Pebble], quick: QuickTime) -> None:
    pebble = another_pebble()
    provider = registered(pebble)
    pebble.kill_ca()
    with pytest.raises(Failure) as caught:
        finish(provider.issue(request("down.test"), solvers(pebble), Notes()))
    assert caught.value.code == "ca_unreachable"
    assert "127.0.0.1" in caught.value.detail
