"""dns-persist-01: where a CA says that it takes it, and how our account goes in such a record."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from jobs.courses import finish
from jobs.keys import new_key
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.persist import Holder, Offer
from jobs.ports import AcmeAccount, OrderRequest
from jobs.providers.custom import Options, Provider
from jobs.providers.protocol.order import parse_authorization
from jobs.providers.protocol.problem import Answer
from jobs.providers.protocol.wire import Wire
from tests.fakes import at_once
from tests.jobs.acme.client import Notes
from tests.jobs.acme.odd_server import OddServer, odd_server

OFFER = Offer(("ca.example",), "https://ca.example/h/")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OddServer]:
    with odd_server(tmp_path) as running:
        yield running


def provider(server: OddServer, account: AcmeAccount | None = None) -> Provider:
    return Provider(Options(directory=server.directory, ca_pem=server.ca_bundle.read_text()), account)


def test_a_directory_says_it(server: OddServer) -> None:
    server.meta.update(issuerDomainNames=["ca.example"], accountHashPrefix="https://ca.example/h/")
    made = provider(server)
    assert made.persist() is None, "nobody was asked yet"
    assert made.look(5).persist == OFFER
    assert made.persist() == OFFER


def test_a_directory_that_says_nothing_or_nonsense_offers_nothing(server: OddServer) -> None:
    assert provider(server).look(5).persist is None
    server.meta.update(issuerDomainNames={"ca.example": 1}, accountHashPrefix="https://ca.example/h/")
    assert provider(server).look(5).persist is None


def authorization(*challenges: Any) -> Any:
    identifier = {"type": "dns", "value": "shop.example"}
    return {"identifier": identifier, "status": "pending", "challenges": list(challenges)}


def test_an_authorization_of_the_older_drafts_says_it() -> None:
    http = {"type": "http-01", "url": "https://ca.example/1", "token": "t", "status": "pending"}
    lasting = {"type": "dns-persist-01", "url": "https://ca.example/2", "status": "pending"}
    by_url = parse_authorization("a", authorization(http, {**lasting, "issuer-domain-names": ["ca.example"]}))
    assert by_url.persist == Offer(("ca.example",))
    assert [one.kind for one in by_url.challenges] == ["http-01", "dns-persist-01"]
    assert parse_authorization("a", authorization(http, lasting, "odd")).persist is None


def test_an_order_in_which_it_was_offered_is_remembered(server: OddServer, monkeypatch: pytest.MonkeyPatch) -> None:
    lasting = {"type": "dns-persist-01", "url": "https://ca.example/2", "status": "pending"}
    bodies = {
        "/newOrder": {"status": "pending", "identifiers": [{"type": "dns", "value": "shop.example"}],
                      "authorizations": ["https://ca.example/a"], "finalize": "https://ca.example/f"},
        "/a": authorization({**lasting, "issuer-domain-names": ["ca.example"]}),
    }

    @at_once
    def post(self: Wire, url: str, *_: Any, **__: Any) -> Answer:
        return Answer(url, 200, {"location": "https://ca.example/o"}, json.dumps(bodies[urlsplit(url).path]).encode())

    monkeypatch.setattr(Wire, "post", post)
    made = provider(server, AcmeAccount("https://ca.example/acct/1", new_key(KeyType.ECDSA_P256)))
    request = OrderRequest(("shop.example",), new_key(KeyType.ECDSA_P256))
    with pytest.raises(Failure) as caught:
        finish(made.issue(request, {}, Notes()))
    assert caught.value.code == "no_challenge"
    assert made.persist() == Offer(("ca.example",))


@pytest.mark.parametrize("kind", [KeyType.ECDSA_P256, KeyType.RSA_2048])
def test_the_account_goes_by_its_url_and_the_thumbprint_of_its_key(server: OddServer, kind: KeyType) -> None:
    pem = new_key(kind)
    holder = provider(server, AcmeAccount("https://ca.example/acct/1", pem)).holder()
    assert holder == Holder("https://ca.example/acct/1", thumbprint(pem))
    assert provider(server).holder() is None


def thumbprint(pem: bytes) -> str:
    """RFC 7638 by hand: the required members in order, without spaces, hashed."""
    numbers: Any = load_pem_private_key(pem, None).public_key().public_numbers()  # type: ignore[union-attr]
    if hasattr(numbers, "x"):
        members = {"crv": "P-256", "kty": "EC", "x": base64url(numbers.x, 32), "y": base64url(numbers.y, 32)}
    else:
        members = {"e": base64url(numbers.e, 3), "kty": "RSA", "n": base64url(numbers.n, 256)}
    return encoded(sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def base64url(number: int, size: int) -> str:
    return encoded(number.to_bytes(size, "big"))


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
