"""A CA, or whoever sits before it, answers by what swells, never ends or is nested without end: little of it is taken,
soon, and the failure is a sentence."""

from __future__ import annotations

import gzip
import itertools
import json
import resource
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.courses import finish
from jobs.keys import new_key
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.ports import AcmeAccount, OrderRequest
from jobs.providers.custom import Options, Provider
from jobs.providers.protocol import wire
from tests.attacks.evil_server import EvilServer, Says, answer, evil_server
from tests.jobs.acme.client import Notes

MIB = 1024 * 1024
MOST = 48 * MIB
"""Memory that one answer may cost on top."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EvilServer]:
    monkeypatch.setattr(wire, "RETRY_WAITS", ())
    monkeypatch.setattr(wire, "WHOLE_ANSWER", 2.0)
    with evil_server(tmp_path / "evil") as running:
        yield running


def packed(kind: str) -> bytes:
    """A gigabyte of spaces."""
    block = b" " * MIB
    if kind == "gzip":
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        return b"".join(pack.compress(block) for _ in range(1024)) + pack.flush()
    if kind == "gzip in gzip":
        return gzip.compress(packed("gzip"))
    pack = zlib.compressobj(9)
    return b"".join(pack.compress(block) for _ in range(1024)) + pack.flush()


BOMBS: dict[str, Says] = {
    "gzip": answer(packed("gzip"), "Content-Encoding: gzip"),
    "gzip twice": answer(packed("gzip in gzip"), "Content-Encoding: gzip, gzip"),
    "deflate": answer(packed("deflate"), "Content-Encoding: deflate"),
    "many encodings": answer(b"x", "Content-Encoding: " + ", ".join(["gzip"] * 1000)),
    "br": answer(b"\x0b\x02\x80" * 1000, "Content-Encoding: br"),
    "a length of an exabyte": answer(b"").replace(b"Content-Length: 0", b"Content-Length: 1000000000000000000"),
    "endless body": lambda _: itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b" " * 65536)),
    "endless chunks": lambda _: itertools.chain(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
        itertools.repeat(b"10000\r\n" + b" " * 65536 + b"\r\n"),
    ),
    "one chunk without end": lambda _: itertools.chain(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffff\r\n"], itertools.repeat(b" " * 65536)
    ),
    "chunk extensions": lambda _: itertools.chain(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"], itertools.repeat(b"x" * 65536)
    ),
    "endless trailers": lambda _: itertools.chain(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"], itertools.repeat(b"X: y\r\n" * 1000)
    ),
    "endless headers": lambda _: itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: y\r\n" * 1000)),
    "a header without end": lambda _: itertools.chain([b"HTTP/1.1 200 OK\r\nX: "], itertools.repeat(b"x" * 65536)),
    "interim answers": lambda _: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "a status line without end": lambda _: itertools.repeat(b"HTTP/1.1 200 " + b"x" * 65536),
    "deep json": answer(b"[" * (MIB - 100)),
    "deep objects": answer(b'{"a":' * 200_000),
    "a number of a million digits": answer(b'{"newNonce":' + b"9" * (MIB - 100) + b"}"),
    "half a character": answer(b'{"newNonce": "\\ud800", "newAccount": "\\udc00", "newOrder": "x"}'),
    "no json": answer(b"\xff\xfe\x00\x01"),
    "a list": answer(b"[]"),
    "every name a list": answer(json.dumps({name: [1] for name in ("newNonce", "newAccount", "newOrder")}).encode()),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_answer_that_swells_or_never_ends_costs_little(server: EvilServer, bomb: str) -> None:
    server.says["/dir"] = BOMBS[bomb]
    provider = Provider(Options(directory=server.url("/dir"), ca_bundle=str(server.ca_bundle)))
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(Failure) as caught:
        provider.terms_url()
    assert caught.value.code in ("ca_not_acme", "ca_unreachable"), caught.value.detail
    assert len(caught.value.detail) < 1000
    assert time.monotonic() - began < 10
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST


def test_a_redirect_to_a_body_without_end_is_no_way_around(server: EvilServer) -> None:
    server.says["/dir"] = answer(b"", "Location: /more", status="302 Found")
    server.says["/more"] = BOMBS["endless body"]
    with pytest.raises(Failure) as caught:
        Provider(Options(directory=server.url("/dir"), ca_bundle=str(server.ca_bundle))).terms_url()
    assert caught.value.code == "ca_not_acme" and server.sent < 64 * MIB


def test_nobody_is_asked_to_compress(server: EvilServer) -> None:
    server.says["/dir"] = answer(b"{}")
    with pytest.raises(Failure):
        Provider(Options(directory=server.url("/dir"), ca_bundle=str(server.ca_bundle))).terms_url()
    head = server.requests[0].lower()
    assert b"\r\naccept-encoding: identity\r\n" in head


def ordered(server: EvilServer, **order: object) -> Failure:
    """What becomes of an order that the CA says this of."""
    names = {name: server.url(f"/{name}") for name in ("newNonce", "newAccount", "newOrder")}
    server.says |= {"/dir": answer(json.dumps(names).encode()), "/newNonce": answer(b"")}
    whole = {"identifiers": [{"type": "dns", "value": "a.example"}], "finalize": server.url("/f"), **order}
    server.says["/newOrder"] = answer(json.dumps(whole).encode(), f"Location: {server.url('/order')}")
    account = AcmeAccount(server.url("/acct"), new_key(KeyType.ECDSA_P256))
    provider = Provider(Options(directory=server.url("/dir"), ca_bundle=str(server.ca_bundle)), account)
    with pytest.raises(Failure) as caught:
        finish(provider.issue(OrderRequest(("a.example",), new_key(KeyType.ECDSA_P256)), {}, Notes()))
    return caught.value


def test_an_order_of_ten_thousand_authorizations_is_not_begun(server: EvilServer) -> None:
    failure = ordered(server, status="pending", authorizations=[server.url(f"/a{at}") for at in range(10_000)])
    assert failure.code == "ca_not_acme" and "10000" in failure.detail
    assert not [one for one in server.requests if one.startswith(b"POST /a")]


def test_a_chain_that_no_client_would_take_is_not_taken(server: EvilServer) -> None:
    one = server.ca_bundle.read_bytes()
    server.says["/chain"] = answer(one * 500, kind="application/pem-certificate-chain")
    failure = ordered(server, status="valid", authorizations=[], certificate=server.url("/chain"))
    assert failure.code == "ca_bad_certificate" and "500" in failure.detail
