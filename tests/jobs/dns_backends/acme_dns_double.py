"""Stands in for acme-dns at its ports, for Debian has no package of it: HTTP API and name server, by its rules.

Two values a name; an update takes the place of the one that was updated longer ago, by the clock's whole seconds, and
of two of the same second that of the first row; nothing removes one. A value has 43 signs. Without the right account
it answers 401, and 400 to a value that is none. Names without a value of theirs do not exist.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

DOMAIN = "auth.test"
SOA = f"ns.{DOMAIN}. admin.{DOMAIN}. 2026112500 28800 7200 604800 86400"


@dataclass
class AcmeDns:
    """`clock`: its seconds. `updates`: every value it took, in order. `deaf`: updates are answered and forgotten."""

    address: str
    port: int
    clock: Callable[[], int]
    url: str = ""
    rows: dict[str, list[list[Any]]] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    updates: list[str] = field(default_factory=list)
    deaf: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def register(self) -> dict[str, Any]:
        """What POST /register answers."""
        number = len(self.rows) + 1
        subdomain, user = f"{number:08x}-0000-4000-8000-000000000000", f"{number:08x}-1111-4111-8111-111111111111"
        self.rows[subdomain] = [["", 0], ["", 0]]
        self.keys[user] = (f"key-of-{number}-" + "k" * 31, subdomain)
        return {
            "username": user, "password": self.keys[user][0], "fulldomain": f"{subdomain}.{DOMAIN}",
            "subdomain": subdomain, "allowfrom": [],
        }

    def values(self, account: dict[str, Any]) -> set[str]:
        return {value for value, _ in self.rows[account["subdomain"]] if value}

    def update(self, user: str | None, key: str | None, body: Any) -> tuple[int, dict[str, str]]:
        known, subdomain = self.keys.get(user or "", ("", ""))
        if not known or key != known or body.get("subdomain") != subdomain:
            return 401, {"error": "forbidden"}
        value = body.get("txt", "")
        if len(value) != 43:
            return 400, {"error": "bad_subdomain"}
        with self.lock:
            self.updates.append(value)
            if not self.deaf:
                oldest = min(self.rows[subdomain], key=lambda row: row[1])
                oldest[:] = [value, self.clock()]
        return 200, {"txt": value}

    def answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        question, answer = query.question[0], dns.message.make_response(query)
        name, kind = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
        fixed = {(DOMAIN, "SOA"): SOA, (DOMAIN, "NS"): f"ns.{DOMAIN}.", (f"ns.{DOMAIN}", "A"): self.address}
        found = [fixed[name, kind]] if (name, kind) in fixed else []
        if kind == "TXT":
            found = [f'"{value}"' for value, _ in self.rows.get(name.partition(".")[0], []) if value]
        if found:
            answer.answer.append(dns.rrset.from_text(question.name, 1, "IN", kind, *found))
        elif name not in (DOMAIN, f"ns.{DOMAIN}"):
            answer.set_rcode(dns.rcode.NXDOMAIN)
            answer.authority.append(dns.rrset.from_text(f"{DOMAIN}.", 3600, "IN", "SOA", SOA))
        answer.flags |= dns.flags.AA
        return answer.to_wire()


@contextmanager
def acme_dns(address: str, port: int, clock: Callable[[], int]) -> Iterator[AcmeDns]:
    """Its name server at `address` and `port`, its API at a free port of the same address."""
    made = AcmeDns(address, port, clock)

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, said = made.update(self.headers["X-Api-User"], self.headers["X-Api-Key"], json.loads(body))
            content = json.dumps(said).encode()
            self.send_response(status if self.path == "/update" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, socket = self.request
            socket.sendto(made.answer(wire), self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            wire = made.answer(self.rfile.read(int.from_bytes(self.rfile.read(2), "big")))
            self.wfile.write(len(wire).to_bytes(2, "big") + wire)

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    servers: list[socketserver.BaseServer] = [
        ThreadingHTTPServer((address, 0), Api),
        socketserver.ThreadingUDPServer((address, port), Udp),
        socketserver.ThreadingTCPServer((address, port), Tcp),
    ]
    made.url = f"http://{address}:{servers[0].server_address[1]}"
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield made
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
