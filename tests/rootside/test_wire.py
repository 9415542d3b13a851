"""Messages from who may send anything: each one is taken as it is meant or refused, in its time and in its room."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.rootside import wire

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def received(raw: bytes, largest: int = wire.LARGEST_QUESTION) -> Any:
    """What is understood of these bytes, after which the other side ends."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=_sent, args=(theirs, raw), daemon=True)
        sender.start()
        try:
            return wire.receive(ours, largest, 5)
        finally:
            ours.close()
            sender.join(5)


def _sent(theirs: socket.socket, raw: bytes) -> None:
    try:
        theirs.sendall(raw)
        theirs.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # nothing more is read from it


def framed(content: bytes) -> bytes:
    return struct.pack("!I", len(content)) + content


@given(st.binary(max_size=64))
def test_arbitrary_bytes_are_a_message_or_none_or_refused(raw: bytes) -> None:
    try:
        found = received(raw)
    except (wire.BadMessage, OSError):
        return
    assert found is None or isinstance(found, dict)


@given(st.binary(max_size=200))
def test_arbitrary_content_is_an_object_or_refused(content: bytes) -> None:
    try:
        assert isinstance(received(framed(content)), dict)
    except wire.BadMessage:
        pass


@given(st.dictionaries(st.text(max_size=8), st.text() | st.integers() | st.none() | st.lists(st.booleans())))
def test_a_message_arrives_as_it_was_sent(message: dict[str, Any]) -> None:
    assert received(wire.packed(message, wire.LARGEST_QUESTION)) == message


@pytest.mark.parametrize("content", [
    b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}", b"[]", b'"x"', b"1", b"null",
    b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a":1,"a":2}', b'{"b":{"a":1,"a":1}}', b"", b"{",
    b"\xff",
    '{"a": 1}'.encode("utf-16"), '{"a": 1}'.encode("utf-32"), b"\xef\xbb\xbf{}", b"{}{}",
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": 1e999999999999}'[:-1], b"{'a': 1}", b'{"a": 0x1}', b'{"a": "\n"}',
])
def test_what_is_no_plain_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(wire.BadMessage):
        received(framed(content))


def test_a_lone_surrogate_comes_through_as_it_is() -> None:
    message = {"a": "\udcff"}
    assert received(wire.packed(message, 100)) == message
    assert received(framed(b'{"a": "\\udcff"}')) == message


@pytest.mark.parametrize("length", [wire.LARGEST_QUESTION + 1, 2**31, 2**32 - 1])
def test_a_message_that_is_announced_too_large_is_refused_before_it_is_read(length: int) -> None:
    tracemalloc.start()
    with pytest.raises(wire.BadMessage, match="announced"):
        received(struct.pack("!I", length) + b"x" * 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_message_that_is_sent_too_large_is_an_error_of_the_sender() -> None:
    with pytest.raises(ValueError, match="of which 10 are allowed"):
        wire.packed({"a": "x" * 20}, 10)


def test_a_sender_who_says_nothing_is_not_waited_for_any_longer(ends: Ends) -> None:
    began = time.monotonic()
    assert wire.receive(ends[0], 100, 0.05) is None
    assert time.monotonic() - began < 2


def test_a_sender_of_a_byte_now_and_then_is_given_up(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 0.3)
    raw, over = framed(json.dumps({"a": "x" * 1000}).encode()), threading.Event()

    def drip() -> None:
        for byte in raw:
            if over.wait(0.01):
                return
            ends[1].send(bytes([byte]))

    dripping = threading.Thread(target=drip)
    dripping.start()
    began = time.monotonic()
    with pytest.raises(wire.BadMessage, match=r"not whole within 0\.3 s"):
        wire.receive(ends[0], 5000, 5)
    over.set()
    dripping.join()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("raw", [b"\0", b"\0\0\0", framed(b'{"a": 1}')[:-1]])
def test_half_a_message_is_refused(raw: bytes) -> None:
    with pytest.raises(wire.BadMessage, match="in the middle"):
        received(raw)


def test_a_message_of_the_largest_size_takes_no_more_than_thirty_times_its_size() -> None:
    """The worst that was found: objects without a member."""
    inner = b"{}," * ((wire.LARGEST_QUESTION - 20) // 3)
    raw = framed(b'{"a":[' + inner + b"{}]}")
    tracemalloc.start()
    received(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * wire.LARGEST_QUESTION
