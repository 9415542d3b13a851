"""A front before Pebble that knows RFC 9773, which Debian's Pebble does not: windows as a test sets them, `replaces`.

It says what it was told to say, in whatever words, as the management port of newer Pebbles does by set-renewal-info. A
certificate can be replaced once. Everything else passes through: Pebble makes its URLs from the Host header, which is
kept.
"""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

RENEWAL_INFO = "/renewal-info/"
_ERROR = "urn:ietf:params:acme:error:"
_HOP = frozenset({"connection", "content-length", "transfer-encoding", "date", "server"})


@dataclass(frozen=True)
class Said:
    """An answer in full."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def window(start: datetime, end: datetime, url: str | None = None, retry_after: int | str = 21600) -> Said:
    answer = {"suggestedWindow": {"start": start.isoformat(), "end": end.isoformat()}}
    more = {} if url is None else {"explanationURL": url}
    return Said(json.dumps({**answer, **more}).encode(), headers={"Retry-After": str(retry_after)})


@dataclass
class AriFront:
    """A running front. What a test may set: `says` (by certificate id; `usual` for the others), `offers` (whether the
    directory has it), `refuses` (HTTP status and error type of every newOrder with `replaces`). `asked` and `orders`
    collect the ids that were asked about, and the payload of each newOrder with its HTTP status."""

    directory_url: str
    upstream: str
    """The directory of Pebble itself."""
    ca_file: Path
    says: dict[str, Said] = field(default_factory=dict)
    usual: Said = Said(status=404)
    offers: bool = True
    refuses: tuple[int, str] | None = None
    asked: list[str] = field(default_factory=list)
    orders: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    replaced: set[str] = field(default_factory=set)


@contextmanager
def ari_front(upstream: str, ca_file: Path, key_file: Path) -> Iterator[AriFront]:
    """Serve on a free loopback port, by the certificate that Pebble itself has, until the block ends. `upstream`: its
    directory."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, key_file)
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.front = front = AriFront(f"https://127.0.0.1:{server.server_port}/dir", upstream, ca_file)
    server.trusted = ssl.create_default_context(cafile=str(ca_file))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Any
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def do_GET(self) -> None:
        front: AriFront = self.server.front
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith(RENEWAL_INFO) and self.command == "GET":
            identifier = self.path.removeprefix(RENEWAL_INFO)
            front.asked.append(identifier)
            said = front.says.get(identifier, front.usual)
        elif self.path == "/order-plz":
            said = self._ordered(front, body)
        else:
            said = self._passed_on(front, body)
        self.send_response(said.status)
        for name, value in {**said.headers, "Content-Length": str(len(said.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said.body)

    do_HEAD = do_POST = do_GET

    def _ordered(self, front: AriFront, body: bytes) -> Said:
        payload = json.loads(_decoded(json.loads(body)["payload"]))
        replaces = payload.get("replaces")
        trouble = front.refuses if replaces else None
        if replaces in front.replaced:
            trouble = (409, "alreadyReplaced")
        said = self._passed_on(front, body) if trouble is None else self._refused(front, *trouble)
        if replaces and said.status == 201:
            front.replaced.add(replaces)
        front.orders.append((payload, said.status))
        return said

    def _refused(self, front: AriFront, status: int, kind: str) -> Said:
        upstream = http.client.HTTPSConnection(*_address(front), timeout=10, context=self.server.trusted)
        upstream.request("HEAD", "/nonce-plz")
        nonce = upstream.getresponse().headers["Replay-Nonce"]
        upstream.close()
        problem = {"type": f"{_ERROR}{kind}", "detail": "as asked for", "status": status}
        headers = {"Content-Type": "application/problem+json", "Replay-Nonce": nonce}
        return Said(json.dumps(problem).encode(), status, headers)

    def _passed_on(self, front: AriFront, body: bytes) -> Said:
        upstream = http.client.HTTPSConnection(*_address(front), timeout=30, context=self.server.trusted)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        upstream.request(self.command, self.path, body or None, headers)
        response = upstream.getresponse()
        content = response.read()
        upstream.close()
        if self.path == "/dir" and front.offers:
            address = front.directory_url.removesuffix("/dir") + RENEWAL_INFO.rstrip("/")
            content = json.dumps({**json.loads(content), "renewalInfo": address}).encode()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP}
        return Said(content, response.status, kept)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: Pebble's own log has it."""


def _address(front: AriFront) -> tuple[str, int]:
    parts = urlsplit(front.upstream)
    return parts.hostname or "", parts.port or 443


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
