"""An HTTPS server on loopback that answers as no CA should, by path; `/dir` is an honest directory."""

from __future__ import annotations

import contextlib
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.panel.directory_server import DirectoryServer, self_signed

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"


@dataclass(frozen=True)
class OddServer(DirectoryServer):
    """`meta` is what the directory says of the CA, and may be changed; `asked` are the paths of the requests."""

    meta: dict[str, Any]
    asked: list[str]

    def url(self, path: str) -> str:
        return self.directory.rpartition("/")[0] + path


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        ours = f"https://127.0.0.1:{self.server.server_port}"
        if self.path == "/dir":
            directory = {name: f"{ours}/{name}" for name in ("newNonce", "newAccount", "newOrder")}
            self._send(200, json.dumps({**directory, "meta": self.server.meta}).encode(), "application/json")
        elif self.path == "/html":
            self._send(200, b"<h1>Sign in to the wireless network</h1>", "text/html")
        elif self.path == "/moved":
            self._send(301, b"", "text/plain", Location="/dir")
        elif self.path == "/loop":
            self._send(302, b"", "text/plain", Location="/loop")
        elif self.path == "/elsewhere":
            self._send(302, b"", "text/plain", Location=f"https://localhost:{self.server.server_port}/dir")
        elif self.path == "/unsafe":
            self._send(302, b"", "text/plain", Location="http://127.0.0.1/dir")
        elif self.path == "/endless":
            self._endless()
        elif self.path in ("/drip", "/drip-head"):
            self._drip(self.path == "/drip-head")

    def _send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _endless(self) -> None:
        """Two gigabytes are announced; whoever takes them all has lost."""
        self.send_response(200)
        self.send_header("Content-Length", str(2 * 1024**3))
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b" " * 65536)

    def _drip(self, head: bool) -> None:
        """A byte now and then, each before any timeout of a single read."""
        start = b"HTTP/1.1 200 OK\r\nX: " if head else b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        with contextlib.suppress(OSError):
            self.wfile.write(start)
            while not self.server.ending.wait(0.05):
                self.wfile.write(b"x")
                self.wfile.flush()

    def log_message(self, *arguments: object) -> None:
        """Nothing is written between the tests' own lines."""


@contextmanager
def odd_server(folder: Path) -> Iterator[OddServer]:
    """Run it on a free loopback port until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "wfe.pem", folder / "wfe.key")
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.ending, server.asked, server.meta = threading.Event(), [], {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    directory = f"https://127.0.0.1:{server.server_port}/dir"
    try:
        yield OddServer(directory, folder / "wfe.pem", server.meta, server.asked)
    finally:
        server.ending.set()
        server.shutdown()
        server.server_close()
