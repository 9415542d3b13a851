"""A front before Pebble that obeys CAA records, as every public CA does and no test CA; and that can be made to fail.

It names its issuer in the directory, and refuses an order at its finalization when a record of one of its names forbids
that issuer (RFC 8659). Everything else passes through: Pebble makes its URLs from the Host header, which is kept.
"""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import ssl
import threading
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.name
import dns.resolver
from cryptography import x509

from jobs.demo.daemons import bind, pebble
from jobs.demo.daemons.starting import only_inside

PORT = 14001
_ERROR = "urn:ietf:params:acme:error:"


@dataclass(frozen=True)
class Fault:
    """The answer to every new order instead of Pebble's: an HTTP status, the last word of an ACME error type
    (RFC 8555 section 6.7), and Retry-After in seconds."""

    status: int
    kind: str
    retry_after: int | None = None


@dataclass
class CaaFront:
    """A running front. `fault` may be set and taken back at any time; `refused` collects what CAA forbade."""

    issuer: str
    bundle: str
    fault: Fault | None = None
    refused: list[str] = field(default_factory=list)
    directory: str = f"https://localhost:{PORT}/dir"


def start_caa_front(ca: pebble.Pebble, issuer: str = "ca.test") -> CaaFront:
    """Serve in a thread of this process, by the certificate that Pebble itself has."""
    only_inside()
    front = CaaFront(issuer, str(ca.bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca.bundle, ca.bundle.with_suffix(".key"))
    server = _Server(front)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, name="caa front", daemon=True).start()
    return front


def forbidden(name: str, issuer: str, resolver: dns.resolver.Resolver) -> str | None:
    """Why `issuer` must not issue for `name`; None when it may. A lookup that fails forbids."""
    wild = name.startswith("*.")
    domain = dns.name.from_text(name.removeprefix("*."))
    while domain != dns.name.root:
        try:
            records = list(resolver.resolve(domain, "CAA"))
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            domain = domain.parent()
            continue
        except dns.exception.DNSException as error:
            return f"looking up CAA for {domain} failed: {type(error).__name__}"
        plain = [record.value.decode() for record in records if record.tag == b"issue"]
        wanted = [record.value.decode() for record in records if record.tag == b"issuewild"] if wild else []
        found = [value.split(";")[0].strip().lower() for value in wanted or plain]
        return None if not found or issuer in found else f"CAA record for {domain} prevents issuance"
    return None


class _Server(http.server.ThreadingHTTPServer):
    """Knows what its handlers need: the front, whom to ask for CAA, and whom to trust upstream."""

    daemon_threads = True

    def __init__(self, front: CaaFront) -> None:
        super().__init__(("127.0.0.1", PORT), _Handler)
        self.front = front
        self.resolver = dns.resolver.Resolver(configure=False)
        self.resolver.nameservers, self.resolver.port = [bind.ADDRESS], bind.PORT
        self.trusted = ssl.create_default_context(cafile=front.bundle)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer takes 40 ms
    wbufsize = 65536

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        problem = self._problem(body)
        if problem is None:
            self._answer(*self._passed_on(body))
        else:
            headers = {"Content-Type": "application/problem+json"}
            fault = self.server.front.fault
            if fault is not None and fault.retry_after is not None:
                headers["Retry-After"] = str(fault.retry_after)
            self._answer(problem["status"], headers, json.dumps(problem).encode())

    do_HEAD = do_POST = do_GET

    def _passed_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Pebble's own answer, with the CAA identity in the directory."""
        upstream = http.client.HTTPSConnection("localhost", pebble.PORT, timeout=30, context=self.server.trusted)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        upstream.request(self.command, self.path, body or None, headers)
        response = upstream.getresponse()
        content = response.read()
        upstream.close()
        if self.path == "/dir":
            data = json.loads(content)
            data["meta"] = {**data.get("meta", {}), "caaIdentities": [self.server.front.issuer]}
            content = json.dumps(data).encode()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP}
        return response.status, kept, content

    def _problem(self, body: bytes) -> dict[str, Any] | None:
        """What the front itself answers to this request; None passes it on."""
        front = self.server.front
        if self.path.startswith("/order-plz") and front.fault is not None:
            return {"type": f"{_ERROR}{front.fault.kind}", "detail": "as asked for", "status": front.fault.status}
        if not self.path.startswith("/finalize-order/"):
            return None
        checked = {name: forbidden(name, front.issuer, self.server.resolver) for name in _names(body)}
        why = {name: text for name, text in checked.items() if text}
        front.refused += why
        parts = [
            {"type": f"{_ERROR}caa", "detail": text, "identifier": {"type": "dns", "value": name}}
            for name, text in why.items()
        ]
        detail = "; ".join(dict.fromkeys(why.values()))
        return {"type": f"{_ERROR}caa", "detail": detail, "status": 403, "subproblems": parts} if why else None

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: Pebble's own log has it."""


_HOP = frozenset({"connection", "content-length", "transfer-encoding", "date", "server"})


def _names(body: bytes) -> list[str]:
    """The names of the CSR in a signed finalize request (RFC 8555 section 7.4)."""
    payload = json.loads(_decoded(json.loads(body)["payload"]))
    csr = x509.load_der_x509_csr(_decoded(payload["csr"]))
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
