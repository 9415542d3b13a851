"""Clients that are slow, silent, too many, or speak something else: nobody else notices."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from panel.https.connections import answer_in_plain
from tests.panel.https_client import BODY, LONG, SITE, Answers, Start, ask, begun, connect, refused, wait_for

CLOSE_WAIT = b"\x08"
"""The state (tcp(7), tcp_info) after an orderly end; after a reset, which could overtake the answer, it is another."""

ESTABLISHED = "01"
"""In /proc/net/tcp."""


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


def test_where_there_is_no_more_room_a_newcomer_takes_the_place_of_who_waited_longest(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panel.https.serving.MOST_CONNECTIONS", 5)
    port = start()
    with ExitStack() as crowd:
        held = [crowd.enter_context(connect(port, SITE)) for _ in range(5)]
        with connect(port, SITE) as newcomer:
            assert ask(newcomer) == (200, BODY)
            assert held[0].recv(1) == b""
            assert ask(held[4]) == (200, BODY)


def test_who_is_being_answered_keeps_the_place(
    start: Start, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panel.https.serving.MOST_CONNECTIONS", 2)
    port = start()
    with connect(port, SITE) as first, connect(port, SITE) as second:
        slow = [begun(first, "/slow"), begun(second, "/slow")]
        assert refused(port)
        answers.go_on.set()
        assert [one.read().decode() for one in slow] == [BODY, BODY]


def test_an_answer_that_its_client_does_not_take_keeps_no_thread_and_ends(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panel.https.leaving.SLOWEST", 0.5)
    port = start()
    with ExitStack() as crowd:
        held = [crowd.enter_context(connect(port, SITE)) for _ in range(20)]
        for one in held:
            one.sendall(b"GET /long HTTP/1.1\r\nHost: a.example.com\r\n\r\n")
        with connect(port, SITE) as tls:
            assert ask(tls) == (200, BODY)
        wait_for(lambda: open_at(port) == 0)


def test_an_answer_that_its_client_takes_slowly_arrives_whole(start: Start) -> None:
    with connect(start(), SITE) as tls:
        answer = begun(tls, "/long")
        threading.Event().wait(0.3)
        assert answer.read() == LONG


def test_one_of_several_requests_that_came_together_is_answered_after_the_other(start: Start) -> None:
    with connect(start(), SITE) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        for _ in range(3):
            answer = http.client.HTTPResponse(tls)
            answer.begin()
            assert answer.read().decode() == BODY


def test_a_body_is_asked_for_where_its_sender_waits_for_that(start: Start) -> None:
    with connect(start(), SITE) as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert tls.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        tls.sendall(b"abc")
        answer = http.client.HTTPResponse(tls)
        answer.begin()
        assert (answer.status, answer.read().decode()) == (200, BODY)


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
        assert tls.recv(1024).startswith(b"HTTP/1.1 431 ")


def open_at(port: int) -> int:
    """How many connections the server's side has not ended."""
    entries = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(entry[1].endswith(f":{port:04X}") and entry[3] == ESTABLISHED for entry in entries)


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
