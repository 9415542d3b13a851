"""Lists of revoked certificates by http: how much is taken, for how long, and from whom nothing is."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from jobs.policy.failure import Failure
from jobs.revocation_fetch import fetch


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Host"]))
        if self.path == "/drip":
            self._drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        elif self.path == "/drip-head":
            self._drip(b"HTTP/1.1 200 OK\r\nX: ")
        elif self.path.startswith("/chunk"):
            self._drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n" % self.path[6:].encode(), 10_000)
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/1.crl")
            self.end_headers()
        elif self.path.startswith("/1.crl"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"c" * 1000)
        else:
            self.send_error(404)

    def _drip(self, start: bytes, size: int = 1) -> None:
        with contextlib.suppress(OSError):
            self.wfile.write(start)
            while not self.server.ending.wait(0.02):
                self.wfile.write(b"x" * size)

    def log_message(self, *arguments: object) -> None:
        """Nothing is written between the tests' own lines."""


@pytest.fixture
def server() -> Iterator[Any]:
    running: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    running.daemon_threads, running.asked, running.ending = True, [], threading.Event()
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield running
    running.ending.set()
    running.shutdown()
    running.server_close()


def url(server: Any, path: str = "/1.crl", host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}{path}"


def refusal(address: str, **more: Any) -> str:
    with pytest.raises(Failure) as caught:
        fetch(address, **more)
    assert caught.value.code == "crl_unreachable"
    assert address[:60] in caught.value.detail
    return caught.value.detail


def test_a_list_is_fetched_with_its_query(server: Any) -> None:
    assert fetch(url(server, "/1.crl?part=7"), inside=True) == b"c" * 1000
    assert server.asked == [("/1.crl?part=7", f"127.0.0.1:{server.server_port}")]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"])
def test_nothing_inside_the_network_is_asked_because_of_a_certificate(server: Any, host: str) -> None:
    assert "no address of the Internet" in refusal(url(server, host=host), inside=False)
    assert server.asked == []


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "192.168.7.7", "169.254.169.254", "[fe80::1]", "[fd00::1]", "224.0.0.1"]
)
def test_no_private_address_is_asked(address: str) -> None:
    assert "no address of the Internet" in refusal(f"http://{address}/latest/meta-data/", inside=False)


def test_a_name_is_connected_to_where_it_was_looked_at(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers another address the second time leads nobody inside."""
    answers = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.server_port))]]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.pop())
    assert "127.0.0.1 is no address of the Internet" in refusal("http://rebinding.test/1.crl", inside=False)
    assert answers == [] and server.asked == []


def test_only_port_80_of_the_internet_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("9.9.9.9", 6379))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert "port 6379: expected 80" in refusal("http://crl.ca.test:6379/1.crl", inside=False)


@pytest.mark.parametrize("path", ["/drip", "/drip-head"])
def test_a_server_that_never_ends_is_waited_for_only_so_long(server: Any, path: str) -> None:
    began = time.monotonic()
    refusal(url(server, path), inside=True, seconds=0.3)
    assert time.monotonic() - began < 3


def test_a_list_that_is_too_large_is_not_taken(server: Any) -> None:
    assert "larger than 999 bytes" in refusal(url(server), inside=True, largest=999)


@pytest.mark.parametrize("size", ["-1", "-5", "ffffffffff"])
def test_a_chunk_without_an_end_does_not_fill_the_memory(server: Any, size: str) -> None:
    assert "larger than 99999 bytes" in refusal(url(server, f"/chunk{size}"), inside=True, seconds=5, largest=99_999)


@pytest.mark.parametrize("host", ["a..test", f"{'a' * 64}.test"])
def test_a_host_that_no_name_can_be_ends_one_look_and_no_other(host: str) -> None:
    refusal(f"http://{host}/1.crl", inside=False)


@pytest.mark.parametrize(("path", "status"), [("/away", 302), ("/nowhere", 404)])
def test_what_is_no_list_is_not_taken_and_no_redirect_followed(server: Any, path: str, status: int) -> None:
    assert f"HTTP {status}" in refusal(url(server, path), inside=True)
    assert len(server.asked) == 1


def test_a_host_that_is_not_there_says_so(server: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refusal(f"http://127.0.0.1:{unused.getsockname()[1]}/1.crl", inside=True, seconds=2)
