"""What a browser and a certificate authority are for the panel's server: handshakes, requests, stored sets."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from jobs import store
from jobs.policy.certificate import Certificate
from jobs.policy.panel_files import MAP, parse_map, render_map
from jobs.policy.proof import read_certificate
from jobs.ports import Place
from tests.fakes import TestCA

CA = TestCA()
SITE, OTHER = "a.example.com", "b.example.com"
BODY = "first half, second half for 127.0.0.1 by https"

LONG = bytes(range(256)) * 64 * 1024
"""16 MiB."""

Start = Callable[..., int]
"""The fixture `start`: starts a server on the addresses given, and returns its first port."""


class Answers:
    """A WSGI application; `/slow` sends its second half only when `go_on` is set, `/long` sends more than fits into the
    buffers of any system."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/long":
            yield from (LONG[at : at + 65536] for at in range(0, len(LONG), 65536))
            return
        yield b"first half, "
        if environ["PATH_INFO"] == "/slow":
            assert self.go_on.wait(20)
        yield f"second half for {environ['REMOTE_ADDR']} by {environ['wsgi.url_scheme']}".encode()


def context() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def connect(port: int, name: str | None, timeout: float = 10, host: str = "127.0.0.1") -> ssl.SSLSocket:
    return context().wrap_socket(socket.create_connection((host, port), timeout), server_hostname=name)


def leaf(port: int, name: str | None) -> x509.Certificate:
    """The certificate that a new handshake shows."""
    with connect(port, name) as tls:
        return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")


def serial(port: int, name: str | None) -> str:
    return format(leaf(port, name).serial_number, "x")


def is_own(shown: x509.Certificate) -> bool:
    names = shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return any("self-signed" in str(name.value) for name in names)


def begun(tls: ssl.SSLSocket, path: str = "/") -> http.client.HTTPResponse:
    """Send one request on an open connection, and read its answer's head."""
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: a.example.com\r\n\r\n".encode())
    answer = http.client.HTTPResponse(tls)
    answer.begin()
    return answer


def ask(tls: ssl.SSLSocket, path: str = "/") -> tuple[int, str]:
    """One request and its whole answer: status and body."""
    answer = begun(tls, path)
    return answer.status, answer.read().decode()


def stored(place: Place, website: str, names: Sequence[str]) -> Certificate:
    """Store a new set of the website; nothing reads it yet."""
    bundle = CA.bundle(names)
    certificate = read_certificate(bundle.leaf)
    store.store(place, website, bundle, certificate, None)
    return certificate


def switch(place: Place, website: str, certificate: Certificate) -> None:
    """Point the panel's link of the website to a stored set, as the install step does."""
    link = place.link(website, "panel")
    temporary = link.with_name("next")
    temporary.symlink_to(store.live_set(place, website, certificate.serial).name)
    temporary.rename(link)


def mapped(place: Place, names: dict[str, str]) -> None:
    """Add names to the map, written whole as `publish` does."""
    path = place.conf / MAP
    former = parse_map(path.read_bytes()) if path.exists() else {}
    written = path.with_name("next")
    written.write_bytes(render_map(former | names))
    written.rename(path)


def secured(place: Place, *names: str) -> Certificate:
    """A website by its names, served from now on."""
    certificate = stored(place, names[0], names)
    switch(place, names[0], certificate)
    mapped(place, dict.fromkeys(names, names[0]))
    return certificate


def directory(place: Place, website: str, certificate: Certificate) -> Path:
    return store.live_set(place, website, certificate.serial)


def refused(port: int) -> bool:
    try:
        connect(port, SITE).close()
    except OSError:
        return True
    return False


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("did not happen within 10 s")
