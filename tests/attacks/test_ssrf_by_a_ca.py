"""A CA on the Internet names addresses inside this host's network, or no https addresses at all: nothing is asked
there, and nothing of it is kept, shown as a link, or used as a name of a file."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.challenges import HttpSolver
from jobs.courses import finish
from jobs.keys import new_key
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.redirects import AddressKind
from jobs.ports import AcmeAccount, OrderRequest
from jobs.providers.custom import Options, Provider
from jobs.providers.protocol import outward, wire
from tests.attacks.evil_server import EvilServer, answer, evil_server
from tests.jobs.acme.client import Notes

INTERNET = "127.0.0.5"
"""What stands for an address of the Internet here."""


@pytest.fixture
def inside() -> Iterator[tuple[int, list[bytes]]]:
    """A service of this host's own, and what it hears."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            heard.append(b"somebody knocked")
            connection.close()

    threading.Thread(target=take, daemon=True).start()
    yield listening.getsockname()[1], heard
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.fixture
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EvilServer]:
    monkeypatch.setattr(wire, "RETRY_WAITS", ())
    kinds = {INTERNET: AddressKind.PUBLIC}
    monkeypatch.setattr(outward, "address_kind", lambda address: kinds.get(address, AddressKind.LOOPBACK))
    with evil_server(tmp_path / "evil", INTERNET) as running:
        yield running


def honest(ca: EvilServer) -> dict[str, str]:
    return {name: ca.url(f"/{name}") for name in ("newNonce", "newAccount", "newOrder")}


def order(ca: EvilServer, **changed: object) -> None:
    """What an order and its authorization say."""
    whole = {
        "status": "pending", "identifiers": [{"type": "dns", "value": "a.example"}],
        "authorizations": [ca.url("/authz")], "finalize": ca.url("/finalize"), **changed,
    }
    ca.says["/newOrder"] = answer(json.dumps(whole).encode(), f"Location: {ca.url('/order')}", status="201 Created")
    ca.says["/order"] = answer(json.dumps(whole).encode())


def placed(ca: EvilServer, challenges: Path) -> Failure:
    account = AcmeAccount(ca.url("/acct"), new_key(KeyType.ECDSA_P256))
    provider = Provider(Options(directory=ca.url("/dir"), ca_bundle=str(ca.ca_bundle)), account)
    challenges.mkdir(exist_ok=True)
    asked = OrderRequest(("a.example",), new_key(KeyType.ECDSA_P256))
    notes = Notes()
    with pytest.raises(Failure) as caught:
        finish(provider.issue(asked, {"http-01": HttpSolver(challenges)}, notes))
    assert not list(challenges.parent.rglob("*.thumbprint")) and not list(challenges.iterdir())
    assert all(url.startswith(ca.url("/")) for url in notes.urls)
    return caught.value


@pytest.mark.parametrize("field", ["newNonce", "newOrder", "authorizations", "finalize", "certificate", "challenge"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_service_inside_is_not_asked_whatever_address_names_it(
    ca: EvilServer, inside: tuple[int, list[bytes]], tmp_path: Path, field: str, host: str
) -> None:
    port, heard = inside
    inner = f"https://{host}:{port}/secret"
    directory = honest(ca)
    ca.says["/newNonce"] = answer(b"")
    challenge = {"type": "http-01", "url": ca.url("/challenge"), "token": "t" * 20, "status": "pending"}
    order(ca)
    if field in directory:
        directory[field] = inner
    elif field == "authorizations":
        order(ca, authorizations=[inner])
    elif field == "challenge":
        challenge["url"] = inner
    else:
        order(ca, **{field: inner}, status="valid" if field == "certificate" else "ready")
    ca.says["/dir"] = answer(json.dumps(directory).encode())
    said = {"identifier": {"type": "dns", "value": "a.example"}, "status": "pending", "challenges": [challenge]}
    ca.says["/authz"] = answer(json.dumps(said).encode())
    failure = placed(ca, tmp_path / "challenges")
    assert (failure.code, failure.permanent) == ("ca_not_acme", True), failure.detail
    assert "it is not asked" in failure.detail
    assert heard == []


def test_a_name_that_leads_inside_only_when_it_is_connected_to_is_let_go_unasked(
    ca: EvilServer, inside: tuple[int, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: its server says one thing to who looks, and another to who connects."""
    port, heard = inside
    ca.says["/dir"] = answer(json.dumps({**honest(ca), "newNonce": f"https://rebound.example:{port}/"}).encode())
    real, answers = socket.getaddrinfo, iter([INTERNET, "127.0.0.1"])

    def lookup(host: str, *rest: object, **more: object) -> object:
        return real(next(answers) if host == "rebound.example" else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    order(ca)
    failure = placed(ca, tmp_path / "challenges")
    assert failure.code == "ca_not_acme" and "127.0.0.1" in failure.detail
    assert len(heard) <= 1, "one that was connected to heard nothing and was left"


def test_a_ca_inside_the_network_is_asked_as_an_administrator_chose(tmp_path: Path) -> None:
    with evil_server(tmp_path) as inner:
        inner.says["/dir"] = answer(json.dumps(honest(inner)).encode())
        inner.says["/newNonce"] = answer(b"")
        inner.says["/newOrder"] = answer(b'{"type":"urn:ietf:params:acme:error:caa"}', status="403 Forbidden")
        assert placed(inner, tmp_path / "challenges").code == "ca_caa"


NO_ADDRESSES = [
    "http://127.0.0.1/", "file:///etc/shadow", "ftp://ca.example/", "javascript:alert(1)", "//ca.example/x", "/x", "",
    "https://user:password@ca.example/", "https://ca.example:0/", "https://ca.example:99999/", "https://[::1", "https://",
    "https:///x", "https://ca.example/\r\nX: y", "https://ca.example/\x1b[31m", "https://ca.example/\u202e",
    "https://a b/",
    'https://ca.example/"><script>alert(1)</script>', "https://ca.example/" + "x" * 5000, "unix:/run/autossl/root.sock",
    "gopher://127.0.0.1:25/", "https://ca.example\\@127.0.0.1/", "HTTPS://ca.example/ x", "data:,x",
]


@pytest.mark.parametrize("address", NO_ADDRESSES)
@pytest.mark.parametrize("field", ["newNonce", "newOrder", "authorizations", "finalize", "location"])
def test_what_is_no_https_address_is_not_asked_nor_kept(
    ca: EvilServer, tmp_path: Path, field: str, address: str
) -> None:
    directory = honest(ca)
    ca.says["/newNonce"] = answer(b"")
    order(ca)
    if field in directory:
        directory[field] = address
    elif field == "authorizations":
        order(ca, authorizations=[address])
    elif field == "finalize":
        order(ca, finalize=address, status="ready")
    else:
        whole = {"status": "pending", "identifiers": [], "authorizations": [], "finalize": ca.url("/f")}
        plain = address.replace("\r\n", " ").encode("utf-8").decode("utf-8")
        ca.says["/newOrder"] = answer(json.dumps(whole).encode(), f"Location: {plain}", status="201 Created")
    ca.says["/dir"] = answer(json.dumps(directory).encode())
    failure = placed(ca, tmp_path / "challenges")
    assert failure.code == "ca_not_acme", failure.detail
    assert len(failure.detail) < 1000 and failure.detail.isprintable()
