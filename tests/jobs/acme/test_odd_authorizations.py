"""Authorizations as no RFC has them: kinds of challenge that nobody knows, refusals without a reason."""

from __future__ import annotations

import json

from jobs.policy.certificate import Bundle
from jobs.providers.protocol.authorizing import ORDER_LOOKS
from tests.fault_proxy import Changes, FaultProxy, authorization_says
from tests.jobs.acme.client import Client
from tests.quick_time import QuickTime

UNKNOWN = [
    {"type": "carrier-pigeon-01", "status": "pending", "url": "https://127.0.0.1:1/c", "token": "../../etc/passwd"},
    {"type": "dns-persist-01", "issuer-domain-names": ["ca.test"]},
    {"type": 7},
    {},
    "http-01",
    None,
]


def test_kinds_of_challenge_that_nobody_knows_are_passed_over(proxy: FaultProxy, quick: QuickTime) -> None:
    def more(reply):  # type: ignore[no-untyped-def]
        found = reply.json()
        content = {**found, "challenges": [*UNKNOWN, *found["challenges"]]}
        return type(reply)(reply.status, json.dumps(content).encode(), reply.headers)

    client = Client(proxy, "unknown-kinds.test")
    added = proxy.fault(Changes(more), "authz")
    proxy.fault(Changes(lambda reply: type(reply)(reply.status, reply.body.replace(b'"ready"', b'"pending"'),
                                                  reply.headers)), "order", times=ORDER_LOOKS)
    client.bundle()
    assert added.met >= 2, "before the challenge, and while it is waited for"


def test_a_ca_that_offers_nothing_else_is_told_apart(proxy: FaultProxy, quick: QuickTime) -> None:
    client = Client(proxy, "only-unknown.test")
    proxy.fault(authorization_says("pending", {"type": "carrier-pigeon-01"}), "authz")
    failure = client.failure()
    assert failure.code == "no_challenge" and failure.permanent and set(failure.names) == {"only-unknown.test"}
    assert "carrier-pigeon-01" in failure.detail and proxy.asked["challenge"] == 0


def test_a_refusal_without_a_reason_is_told_as_one(proxy: FaultProxy, quick: QuickTime) -> None:
    client = Client(proxy, "no-reason.test")
    proxy.fault(Changes(lambda reply: reply), "authz", times=1)
    proxy.fault(authorization_says("invalid", {"status": "invalid"}), "authz")
    proxy.fault(Changes(lambda reply: type(reply)(reply.status, reply.body.replace(b'"ready"', b'"invalid"'),
                                                  reply.headers)), "order")
    failure = client.failure()
    assert failure.code == "validation_failed" and not failure.of_provider
    assert failure.names == {"no-reason.test": failure.detail}
    assert "the CA gave no reason (authorization invalid)" in failure.detail


def test_an_order_that_ends_invalid_without_a_reason_says_so_and_is_made_anew(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "invalid.test")
    proxy.fault(Changes(lambda reply: type(reply)(reply.status, reply.body.replace(b'"ready"', b'"invalid"'),
                                                  reply.headers)), "order")
    failure = client.failure()
    assert failure.code == "ca_refused" and "the order is invalid" in failure.detail
    assert client.failure().code == "order_gone"
    client.notes.urls.clear()
    proxy.mends()
    assert isinstance(client.go_on(), Bundle)
