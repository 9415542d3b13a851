"""An HTTPS server that stands before a test CA and passes requests on, so that what comes and goes can be changed.

The CA's addresses need no rewriting: Pebble makes its own from the Host header, which is kept, and so the address that
a client signs is the one that Pebble expects.
"""

from __future__ import annotations

import http.client
import http.server
import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ERROR = "urn:ietf:params:acme:error:"
_HOP = frozenset({"connection", "content-length", "transfer-encoding", "date", "server"})
PASSED_ON_FOR = 30.0
"""Seconds that the CA has for an answer."""


@dataclass(frozen=True)
class Reply:
    """An answer in full."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def problem(status: int, kind: str, detail: str, more: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
    """A problem document of an ACME error type (RFC 8555 section 6.7); `more`: further members of it."""
    document = {"type": f"{ERROR}{kind}", "detail": detail, "status": status, **more}
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/problem+json", **headers})


class Front(http.server.ThreadingHTTPServer):
    """Serves in a thread of this process on 127.0.0.1, by the certificate that the CA itself has. `port` 0: a free one.
    `ca`: host and port of the CA; `bundle`: its certificate in PEM, which it is trusted by, beside `key`."""

    daemon_threads = True

    def __init__(self, port: int, ca: tuple[str, int], bundle: Path, key: Path, handler: type[FrontHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(bundle, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.ca = ca
        self.trusted = ssl.create_default_context(cafile=str(bundle))

    def start(self) -> None:
        serve = {"poll_interval": 0.05}
        threading.Thread(target=self.serve_forever, kwargs=serve, name="front", daemon=True).start()

    def ask_ca(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """The CA's own answer."""
        upstream = http.client.HTTPSConnection(*self.ca, timeout=PASSED_ON_FOR, context=self.trusted)
        try:
            upstream.request(method, path, body or None, dict(headers or {}))
            response = upstream.getresponse()
            content = response.read()
        finally:
            upstream.close()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP}
        return Reply(response.status, content, kept)


class FrontHandler(http.server.BaseHTTPRequestHandler):
    """Says what `reply` returns; `passed_on` is what the CA says."""

    server: Any
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer takes 40 ms
    wbufsize = 65536

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send(self.reply(body))

    do_HEAD = do_POST = do_GET

    def reply(self, body: bytes) -> Reply:
        """The answer to this request."""
        return self.passed_on(body)

    def passed_on(self, body: bytes) -> Reply:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        found: Reply = self.server.ask_ca(self.command, self.path, body, headers)
        return found

    def send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the CA's own log has it."""
