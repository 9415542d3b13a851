"""A customer's website answers the self-check by what swells, never ends or comes in crumbs: little of it is taken,
soon, and it is a failed name like any other."""

from __future__ import annotations

import asyncio
import itertools
import resource
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator

import pytest

from jobs.preflight.http_check import Question, fetch

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = zlib.compress(b" " * 256 * MIB, 9)
SECONDS = 1.0

BOMBS: dict[str, Callable[[], Iterable[bytes]]] = {
    "gzip": lambda: [HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED), PACKED],
    "endless body": lambda: itertools.chain([HEAD + b"\r\n"], itertools.repeat(b"x" * 65536)),
    "a length of an exabyte": lambda: [HEAD + b"Content-Length: 1000000000000000000\r\n\r\n", b"x" * 65536],
    "a length that is none": lambda: [HEAD + b"Content-Length: -1\r\n\r\n", b"x" * 65536],
    "a length in other digits": lambda: [HEAD + "Content-Length: ٣\r\n\r\n".encode(), b"x" * 65536],
    "endless chunks": lambda: itertools.chain([CHUNKED], itertools.repeat(b"1000\r\n" + b"x" * 4096 + b"\r\n")),
    "crumbs": lambda: itertools.chain([CHUNKED], itertools.repeat(b"1\r\nx\r\n")),
    "chunks with extensions": lambda: itertools.chain(
        [CHUNKED], itertools.repeat(b"1;" + b"x" * 4096 + b"\r\nx\r\n")
    ),
    "a chunk's size without end": lambda: itertools.chain([CHUNKED], itertools.repeat(b"0" * 65536)),
    "a huge chunk": lambda: itertools.chain([CHUNKED + b"ffffffffffffffff\r\n"], itertools.repeat(b"x" * 65536)),
    "endless headers": lambda: itertools.chain([HEAD], itertools.repeat(b"X: y\r\n")),
    "a header without end": lambda: itertools.chain([HEAD + b"X: "], itertools.repeat(b"x" * 65536)),
    "interim answers": lambda: itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "a status line without end": lambda: itertools.chain([b"HTTP/1.1 200 "], itertools.repeat(b"x" * 65536)),
    "empty lines": lambda: itertools.repeat(b"\r\n" * 1000),
    "nothing at all": lambda: iter(()),
    "a redirect to ever new places": lambda: [
        b"HTTP/1.1 302 Found\r\nLocation: /%d\r\n\r\n" % time.monotonic_ns()
    ],
}


class Nowhere:
    async def ask(self, name: str, kind: str) -> object:
        raise AssertionError(f"{name} was looked up")


@pytest.fixture
def website() -> Iterator[tuple[int, list[Callable[[], Iterable[bytes]]], list[int]]]:
    listening = socket.create_server(("127.0.0.1", 0))
    says: list[Callable[[], Iterable[bytes]]] = []
    sent = [0]

    def serve(peer: socket.socket) -> None:
        with peer:
            try:
                peer.recv(65536)
                for part in says[0]():
                    peer.sendall(part)
                    sent[0] += len(part)
            except OSError:
                return

    def take() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    threading.Thread(target=take, daemon=True).start()
    yield listening.getsockname()[1], says, sent
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.mark.parametrize("bomb", BOMBS)
def test_the_self_check_takes_little_of_an_answer_that_never_ends(
    website: tuple[int, list[Callable[[], Iterable[bytes]]], list[int]], bomb: str
) -> None:
    port, says, sent = website
    says.append(BOMBS[bomb])
    question = Question("t" * 43, "t.thumbprint", port, port, 10, SECONDS)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    outcome = asyncio.run(fetch(Nowhere(), question, "evil.test", "127.0.0.1"))  # type: ignore[arg-type]
    assert time.monotonic() - began < 4 * SECONDS
    assert outcome.trouble is not None and outcome.trouble.code.startswith("http_")
    assert outcome.trouble.text.isprintable() and len(outcome.trouble.text) < 500
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 16 * MIB
    assert sent[0] < 32 * MIB
