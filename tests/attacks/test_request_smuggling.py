"""Bytes that two readers could take for different requests, or for headers that nobody sent: refused, or read one way.
"""

from __future__ import annotations

import http.client

import pytest
from flask import Flask, request

from tests.attacks.raw_requests import NAME, Target
from tests.panel.https_client import connect

HOST = f"Host: {NAME}\r\n".encode()
INNER = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(INNER),
        b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: %d, 0\r\n\r\n" % len(INNER),
        b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length : 0\r\n\r\n",
        b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: 0x10\r\n\r\n",
        b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length:\r\n 16\r\n\r\n",
        b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length\x0b: 16\r\n\r\n",
        b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /login HTTP/1.1\r\n" + HOST + b"transfer-encoding: identity\r\nContent-Length: 4\r\n\r\n",
        b"POST /login HTTP/1.1\r\n" + HOST + b" Transfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\nContent-Length: 5\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rY: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"nothing\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b": value\r\n\r\n",
        b"GET https://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
        b"GET  /login  HTTP/1.1\r\n" + HOST + b"\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n",
    ],
)
def test_a_request_that_can_be_read_two_ways_is_refused_with_all_that_follows(panel: Target, head: bytes) -> None:
    with connect(panel.port, NAME) as tls:
        tls.sendall(head + INNER)
        said = b""
        while part := tls.recv(65536):
            said += part
    assert said[9:10] in (b"4", b"5") and said.startswith(b"HTTP/1."), said[:80]
    assert b'"status":"ok"' not in said


def test_the_second_of_two_requests_is_not_mixed_up_with_the_body_of_the_first(panel: Target) -> None:
    body = INNER[:20]
    with connect(panel.port, NAME) as tls:
        head = b"POST /login HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body)
        tls.sendall(head + body + INNER)
        statuses = []
        for _ in range(2):
            answer = http.client.HTTPResponse(tls)
            answer.begin()
            statuses.append((answer.status, b'"status":"ok"' in answer.read()))
    assert statuses == [(400, False), (200, True)]


@pytest.mark.parametrize(
    ("header", "wsgi"),
    [("Content_Length: 99", "CONTENT_LENGTH"), ("X_Forwarded_For: 192.0.2.9", "HTTP_X_FORWARDED_FOR"),
     ("HX_Request: true", "HTTP_HX_REQUEST")],
)
def test_a_header_with_underscores_does_not_pass_for_another(
    app: Flask, panel: Target, header: str, wsgi: str
) -> None:
    seen: list[str | None] = []

    @app.before_request
    def look() -> None:
        seen.append(request.environ.get(wsgi))

    assert panel.get("/login", header).status == 200
    assert seen == [None]


def test_an_address_that_a_header_claims_is_not_believed(app: Flask, panel: Target) -> None:
    seen: list[tuple[str | None, str, bool]] = []

    @app.before_request
    def look() -> None:
        seen.append((request.remote_addr, request.host, request.is_secure))

    claims = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "Client-IP")
    assert panel.get("/login", *(f"{name}: evil.example" for name in claims)).status == 200
    assert seen == [("127.0.0.1", NAME, True)]
