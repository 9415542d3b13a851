"""Requests byte by byte as an attacker writes them, to the real panel."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask

from jobs.ports import Place
from panel.server import Panel
from tests.panel.https_client import context

NAME = "panel.example.com"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Target:
    port: int

    def send(self, raw: bytes, source: str = "127.0.0.1") -> Answer:
        """Everything at once, from that address; the first answer that comes."""
        sock = socket.create_connection(("127.0.0.1", self.port), 20, (source, 0))
        with context().wrap_socket(sock, server_hostname=NAME) as tls:
            try:
                tls.sendall(raw)
            except OSError:
                pass  # it had enough before; what it said stands to be read
            return answered(tls)

    def get(self, path: str, *headers: str, host: str = NAME, source: str = "127.0.0.1") -> Answer:
        lines = (f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", "")
        return self.send("\r\n".join(lines).encode("latin-1"), source)

    def post(self, path: str, body: bytes, *headers: str, kind: str = FORM, source: str = "127.0.0.1") -> Answer:
        lines = (
            f"POST {path} HTTP/1.1", f"Host: {NAME}", "Connection: close", f"Content-Type: {kind}",
            f"Content-Length: {len(body)}", *headers, "", "",
        )
        return self.send("\r\n".join(lines).encode("latin-1") + body, source)


def answered(tls: ssl.SSLSocket) -> Answer:
    answer = http.client.HTTPResponse(tls)
    answer.begin()
    return Answer(answer.status, answer.msg, answer.read())


@contextmanager
def listening(app: Flask, place: Place) -> Iterator[Target]:
    """The whole panel behind its own sockets, in this process."""
    panel = Panel(app, ["127.0.0.1:0"], place)
    panel.start()
    try:
        yield Target(panel.listeners[0].address[1])
    finally:
        panel.stop()


