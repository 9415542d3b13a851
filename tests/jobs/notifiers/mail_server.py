"""A mail server in this process that says what a test wants, and a letter for it."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from jobs.letter import Letter, Rendered
from tests.free_ports import free_port

NAME = "localhost"
USER, PASSWORD = "autossl", "hush hush"


def letter(recipient: str = "alice@a.example", **changes: Any) -> Letter:
    values = {
        "recipient": recipient,
        "sender": "autossl@panel.example.com",
        "subject": "[AutoSSL] panel.example.com: a certificate was installed",
        "body": Rendered("Text, with ümlaut.\n.\nBcc: nobody\n", "<p>HTML &amp; more</p>\n", "In brief."),
        "message_id": "autossl.1@panel.example.com",
        "date": datetime(2026, 11, 24, 12, tzinfo=UTC),
    }
    return Letter(**{**values, **changes})


@dataclass
class Server:
    """`port` is where it listens. `says`: what it answers to a step (mail, rcpt, data) instead of taking it; a list is
    used up, one answer a message. `dies`: steps at which it closes the connection without a word."""

    port: int = 0
    says: dict[str, Any] = field(default_factory=dict)
    dies: set[str] = field(default_factory=set)
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self._answer(server, "mail", address)
        if answer is None:
            envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self._answer(server, "rcpt", address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        answer = self._answer(server, "data", envelope.rcpt_tos[0])
        if answer is None or answer.startswith("250"):
            plain = envelope.content.replace(b"\r\n", b"\n")
            self.taken.append(message_from_bytes(plain, policy=default_policy))  # type: ignore[arg-type]
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
            self.signed_in.append(session.authenticated)
        return answer or f"250 OK queued as {len(self.taken)}"

    def _answer(self, server: SMTP, step: str, address: str) -> str | None:
        if step in self.dies:
            assert server.transport is not None
            server.transport.abort()
        found = self.says.get(step)
        if isinstance(found, dict):
            found = found.get(address)
        if isinstance(found, list):
            found = found.pop(0) if found else None
        return found


def _sign_in(server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=right)


@contextmanager
def running(tls: ssl.SSLContext | None = None, at_once: bool = False, auth: bool = False) -> Iterator[Server]:
    """At 127.0.0.1, with STARTTLS if there is `tls`, or TLS `at_once`."""
    made = Server()
    settings: dict[str, Any] = {"authenticator": _sign_in, "auth_required": True} if auth else {}
    if tls is not None and at_once:
        settings |= {"ssl_context": tls, "auth_require_tls": False}
    elif tls is not None:
        settings |= {"tls_context": tls, "require_starttls": True}
    else:
        settings |= {"auth_require_tls": False}
    controller = Controller(made, hostname="127.0.0.1", port=free_port(), server_hostname="mx.test", **settings)
    if at_once:
        # the library would look whether it is up without TLS
        controller._trigger_server = lambda: _greeted(controller.port)  # type: ignore[method-assign]
    controller.start()
    made.port = controller.port
    try:
        yield made
    finally:
        controller.stop()


@contextmanager
def dripping(beginning: bytes = b"220-mx.test", pause: float = 0.05) -> Iterator[int]:
    """A server that sends one byte at a time, and never comes to an end."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            for at in itertools.count():
                if stop.wait(pause):
                    return
                try:
                    connection.send(beginning[at : at + 1] or b"x")
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        listener.close()
        thread.join()


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A server that says `answer` to each line, for as long as its one client stays; an answer that ends with a line
    end, again and again."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"220 mx.test\r\n")
                for line in lines:
                    said = answer(line)
                    connection.sendall(said.rstrip() + b"\r\n")
                    while said.endswith(b"\n"):
                        connection.sendall(said)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join()


def tls_for(name: str, directory: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a self-signed certificate for `name`, and that certificate's file."""
    from jobs.demo.daemons import self_signed

    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    self_signed.write(certificate, key, [name])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def _greeted(port: int) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain) as line:
        line.recv(1024)
