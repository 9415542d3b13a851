"""A CA that obeys CAA records: what the bench's front forbids, and what the product's order flow makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.challenges import HttpSolver
from jobs.courses import finish
from jobs.demo.daemons.bind import Zone, start_bind
from jobs.demo.daemons.caa_front import CaaFront, Fault, start_caa_front
from jobs.demo.daemons.pebble import Behaviour, start_pebble
from jobs.keys import new_key
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.ports import OrderRequest
from jobs.providers.custom import Options, Provider
from tests.jobs.acme.client import Notes

pytestmark = pytest.mark.e2e(timeout=120)

ZONES = [
    Zone("free.test"),
    Zone("ours.test", [("@", "CAA", '0 issue "other.example"'), ("@", "CAA", '0 issue "CA.test; policy=ev"')]),
    Zone("theirs.test", [("@", "CAA", '0 issue "other.example"')]),
    Zone("nobody.test", [("@", "CAA", '0 issue ";"')]),
    Zone("wild.test", [("@", "CAA", '0 issue "ca.test"'), ("@", "CAA", '0 issuewild ";"')]),
    Zone("method.test", [("@", "CAA", '0 issue "ca.test; validationmethods=dns-01"')]),
    Zone("account.test", [("@", "CAA", '0 issue "ca.test; accounturi=https://localhost:14001/my-account/none"')]),
]


@pytest.fixture(scope="module")
def front() -> CaaFront:
    start_bind(ZONES)
    return start_caa_front(start_pebble(Behaviour(environment={"PEBBLE_VA_ALWAYS_VALID": "1"})))


@pytest.fixture(scope="module")
def provider(front: CaaFront) -> Provider:
    options = Options(directory=front.directory, ca_bundle=front.bundle)
    return Provider(options, Provider(options).register(None, True, None))


@pytest.fixture
def issue(provider: Provider, tmp_path: Path):  # type: ignore[no-untyped-def]
    def order(*names: str) -> Bundle:
        wild = {name: "dns-01" for name in names if name.startswith("*.")}
        request = OrderRequest(names, new_key(KeyType.ECDSA_P256), methods=wild)
        bundle = finish(
            provider.issue(request, {"http-01": HttpSolver(tmp_path), "dns-01": HttpSolver(tmp_path)}, Notes())
        )
        assert isinstance(bundle, Bundle)
        return bundle

    return order


@pytest.mark.parametrize("name", ["www.free.test", "ours.test", "deep.below.ours.test", "wild.test"])
def test_a_name_without_a_record_or_with_our_issuer_is_issued(issue, name: str) -> None:  # type: ignore[no-untyped-def]
    issue(name)


@pytest.mark.parametrize("name", ["www.theirs.test", "deep.below.theirs.test", "nobody.test", "*.wild.test"])
def test_another_issuer_forbids_ours_and_the_failure_says_which_name(issue, front, name: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Failure) as caught:
        issue(name, "free.test")
    assert caught.value.code == "ca_caa", caught.value
    assert name in caught.value.detail
    assert front.refused[-1] == name


def test_a_refused_name_is_told_from_those_that_may_be_issued(issue) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Failure) as caught:
        issue("www.theirs.test", "more.free.test")
    assert set(caught.value.names) == {"www.theirs.test"} and caught.value.permanent


def test_conditions_of_a_record_are_obeyed(issue) -> None:  # type: ignore[no-untyped-def]
    for name in ("method.test", "account.test"):
        with pytest.raises(Failure, match="prevents issuance"):
            issue(name)
    issue("*.method.test")


def test_the_directory_names_the_issuer(provider: Provider) -> None:
    provider.terms_url()
    assert provider.specs().caa_identities == ("ca.test",)


def test_a_fault_is_answered_to_new_orders_until_it_is_taken_back(issue, front: CaaFront) -> None:  # type: ignore[no-untyped-def]
    front.fault = Fault(429, "rateLimited", 3600)
    with pytest.raises(Failure) as caught:
        issue("free.test")
    assert caught.value.code == "ca_rate_limited" and caught.value.retry_at is not None
    front.fault = None
    issue("again.free.test")
