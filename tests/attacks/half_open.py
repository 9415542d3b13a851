"""Half-open connections of every kind to the real panel, many at once, and how quickly it answers others meanwhile."""

from __future__ import annotations

import os
import resource
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.panel.https_client import context

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
ATTACKER, NEIGHBOUR = "127.0.0.66", "127.0.0.7"
"""Addresses that connections come from."""

HEAD = b"Host: panel.example.com\r\nUser-Agent: x\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@dataclass(frozen=True)
class Server:
    """`autossl serve` as a process."""

    port: int
    pid: int

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def memory(self) -> int:
        """MiB that are resident."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) // 1024


@contextmanager
def served(instance: Path, descriptors: int = 1024) -> Iterator[Server]:
    """The product on a free port, with as many file descriptors as systemd gives a service."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    words = [sys.executable, "-m", "panel.cli", "serve", "--single", "--bind", f"{HOST}:0"]
    environment = {**os.environ, "AUTOSSL_INSTANCE": str(instance)}
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=limited
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("The panel is ready: "), line
        try:
            yield Server(int(line.rstrip("/\n").rpartition(":")[2]), process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0


def connected(port: int, source: str = ATTACKER) -> socket.socket:
    return socket.create_connection((HOST, port), 20, (source, 0))


def shaken(port: int, source: str = ATTACKER) -> ssl.SSLSocket:
    return context().wrap_socket(connected(port, source), server_hostname="panel.example.com")


def silent(port: int, source: str) -> socket.socket:
    return connected(port, source)


def stalled_handshake(port: int, source: str) -> socket.socket:
    """The first half of a real ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing, server_hostname="panel.example.com")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        hello = outgoing.read()
    raw = connected(port, source)
    raw.sendall(hello[: len(hello) // 2])
    return raw


def dripping_head(port: int, source: str) -> socket.socket:
    tls = shaken(port, source)
    tls.sendall(b"GET /login HTTP/1.1\r\n" + HEAD)
    return tls


def dripping_body(port: int, source: str) -> socket.socket:
    tls = shaken(port, source)
    tls.sendall(b"POST /login HTTP/1.1\r\n" + HEAD + FORM + b"Content-Length: 60000\r\n\r\nname=")
    return tls


def never_reading(port: int, source: str) -> socket.socket:
    """Asks for more than any buffer holds, again and again, and takes nothing of it."""
    tls = shaken(port, source)
    tls.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    tls.sendall((b"GET /static/vendor/pico.min.css HTTP/1.1\r\n" + HEAD + b"\r\n") * 8)
    return tls


def idle(port: int, source: str) -> socket.socket:
    """One request, answered, and then nothing."""
    tls = shaken(port, source)
    tls.sendall(b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n")
    tls.recv(4096)
    return tls


KINDS: dict[str, tuple[Callable[[int, str], socket.socket], bytes]] = {
    "silent": (silent, b""),
    "stalled handshake": (stalled_handshake, b"\0"),
    "dripping head": (dripping_head, b"X"),
    "dripping body": (dripping_body, b"x"),
    "never reading": (never_reading, b""),
    "idle": (idle, b""),
}
"""How one begins, and what it sends from time to time to seem alive."""


class Crowd:
    """`size` connections of one kind that are opened anew as soon as the server ends one, as a real attacker does."""

    def __init__(self, server: Server, kind: str, size: int, sources: tuple[str, ...] = (ATTACKER,)) -> None:
        self._open, self._drop = KINDS[kind]
        self._server, self._size, self._sources = server, size, sources
        self._over = threading.Event()
        self.full = threading.Event()
        self.opened = 0
        self._threads = [threading.Thread(target=self._attack, args=(at,)) for at in range(4)]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _attack(self, number: int) -> None:
        share, held, watch = self._size // len(self._threads), set[socket.socket](), selectors.DefaultSelector()
        with ExitStack() as ending:
            ending.callback(lambda: [one.close() for one in held])
            ending.callback(watch.close)
            at, dripped = number, time.monotonic()
            while not self._over.is_set():
                if len(held) < share:
                    at += 1
                    made = self._made(self._sources[at % len(self._sources)])
                    if made is not None:
                        made.settimeout(0)
                        held.add(made)
                        if self._open is not never_reading:
                            watch.register(made, selectors.EVENT_READ)
                        self.opened += 1
                else:
                    self._over.wait(0.01)
                if self.opened >= self._size:
                    self.full.set()
                for key, _ in watch.select(0):
                    if self._ended(key.fileobj):
                        watch.unregister(key.fileobj)
                        held.discard(key.fileobj)
                        key.fileobj.close()
                if self._drop and time.monotonic() - dripped > 1:
                    dripped = time.monotonic()
                    for one in list(held):
                        self._drip(one)

    def _made(self, source: str) -> socket.socket | None:
        try:
            return self._open(self._server.port, source)
        except OSError:
            return None

    def _ended(self, one: Any) -> bool:
        """Whether the server ended it; a TLS session's tickets come by themselves."""
        try:
            return one.recv(4096) == b""
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        except OSError:
            return True

    def _drip(self, one: socket.socket) -> None:
        try:
            one.sendall(self._drop)
        except OSError:
            return  # the server ended it, which the selector tells


def asked(server: Server, source: str, path: str = "/login") -> float:
    """Seconds that a newcomer waits for a whole page. Raises OSError."""
    began = time.monotonic()
    with shaken(server.port, source) as tls:
        tls.settimeout(20)
        tls.sendall(f"GET {path} HTTP/1.1\r\n".encode() + HEAD + b"Connection: close\r\n\r\n")
        answer = b""
        while part := tls.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
    assert answer.rstrip().endswith((b"</html>", b"0")), answer[-200:]
    return time.monotonic() - began
