"""Clients that are slow, silent, too many, or speak something else: nobody else notices."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from panel.https.connections import answer_in_plain
from tests.panel.https_client import BODY, SITE, Start, ask, connect, refused, wait_for

CLOSE_WAIT = b"\x08"
"""The state (tcp(7), tcp_info) after an orderly end; after a reset, which could overtake the answer, it is another."""


def test_clients_that_say_nothing_or_trickle_keep_nobody_waiting(start: Start) -> None:
    port = start()
    with ExitStack() as crowd:
        for at in range(100):
            raw = crowd.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            raw.sendall(b"\x16\x03\x01\x02\x00\x01"[: at % 7])
        with connect(port, SITE, timeout=3) as tls:
            assert ask(tls) == (200, BODY)


def test_clients_that_shake_hands_and_then_say_nothing_take_no_thread(start: Start) -> None:
    port = start()
    with ExitStack() as crowd:
        for _ in range(50):
            crowd.enter_context(connect(port, SITE))
        with connect(port, SITE, timeout=3) as tls:
            assert ask(tls) == (200, BODY)


def test_a_handshake_and_a_request_that_do_not_end_are_given_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("panel.https.connections.HANDSHAKE", 0.2)
    monkeypatch.setattr("panel.https.connections.REQUEST", 0.2)
    port = start()
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.settimeout(10)
        assert trickle(raw, b"\x16\x03\x01\x02\x00" + b"\x01" * 400) == b""
    monkeypatch.setattr("panel.https.connections.HANDSHAKE", 10)
    with connect(port, SITE) as tls:
        assert b"408" in trickle(tls, b"GET / HTTP/1.1\r\nX: " + b"x" * 400)


def test_more_clients_than_there_is_room_for_are_sent_away(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("panel.https.connections.MOST_CONNECTIONS", 5)
    port = start()
    with ExitStack() as crowd:
        held = [crowd.enter_context(connect(port, SITE)) for _ in range(5)]
        with pytest.raises(OSError):
            connect(port, SITE).close()
        held[0].close()
        wait_for(lambda: not refused(port))


def test_clients_of_plain_http_are_led_to_https(start: Start) -> None:
    port = start()
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.sendall(b"GET /login?next=/ HTTP/1.1\r\nUser-Agent: x\r\nHost: a.example.com:2087\r\nX: y\r\n\r\n")
        answer = raw.recv(65536)
        assert raw.recv(1) == b""
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == CLOSE_WAIT
    assert answer.startswith(b"HTTP/1.1 307 ")
    assert b"\r\nLocation: https://a.example.com:2087/login?next=/\r\n" in answer


@pytest.mark.parametrize(
    "head",
    [
        b"SSH-2.0-OpenSSH\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x00" * 64,
        b"GET / HTTP/1.1\r\nHost: a/evil\r\n\r\n", b"GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", b"G",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 2000,
    ],
)
def test_plain_text_that_can_not_be_led_gets_a_sentence(head: bytes) -> None:
    answer = answer_in_plain(head)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"Location" not in answer
    assert b"This port speaks HTTPS only" in answer


def test_a_request_with_an_endless_head_is_refused(start: Start) -> None:
    with connect(start(), SITE) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 64 * 1024)
        assert b"413" in tls.recv(1024)


def trickle(raw: socket.socket, text: bytes) -> bytes:
    """Send byte by byte, until the other side has had enough; returns what it answered."""
    raw.settimeout(0.02)
    for byte in text:
        try:
            raw.sendall(bytes([byte]))
            return raw.recv(4096)
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
    raise AssertionError("the server still waits")
