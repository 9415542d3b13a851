"""The verb `probe`: one TLS handshake, to see what a service really serves."""

from __future__ import annotations

import socket
import ssl
import time

from jobs.ports import Endpoint, Served

PROBE_TIMEOUT = 10.0


def probe(endpoint: Endpoint, timeout: float = PROBE_TIMEOUT) -> Served:
    """Make one TLS handshake and take the leaf. Trust is not judged here: the caller compares the certificate.

    `timeout`: seconds for all of it, however slowly the other side speaks.
    """
    ends = time.monotonic() + timeout
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout) as raw:
            if endpoint.starttls:
                _start_tls(raw, endpoint.starttls, ends)
            _limit(raw, ends)
            with context.wrap_socket(raw, server_hostname=endpoint.sni) as tls:
                return Served(endpoint, tls.getpeercert(binary_form=True))
    except (OSError, ValueError) as error:
        words = f"{endpoint}: {getattr(error, 'strerror', None) or error}"
        return Served(endpoint, None, words, late=isinstance(error, TimeoutError))


_STARTTLS = {"smtp": (b"220", b"EHLO autossl.invalid\r\n", b"250 ", b"STARTTLS\r\n", b"220"),
             "imap": (b"* OK", b"", b"", b"a1 STARTTLS\r\n", b"a1 OK")}


def _limit(raw: socket.socket, ends: float) -> None:
    """Nothing more may take longer than is left until `ends` (`time.monotonic`). Raises TimeoutError."""
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    raw.settimeout(left)


def _start_tls(raw: socket.socket, protocol: str, ends: float) -> None:
    """Say the words before TLS (RFC 3207 for SMTP, RFC 9051 section 6.2.1 for IMAP). Raises ValueError."""
    greeting, hello, answer, command, ready = _STARTTLS[protocol]
    _expect(raw, greeting, ends)
    if hello:
        raw.sendall(hello)
        _expect(raw, answer, ends)
    raw.sendall(command)
    _expect(raw, ready, ends)


def _expect(raw: socket.socket, wanted: bytes, ends: float) -> None:
    """Read lines, byte by byte (nothing of the handshake may be swallowed), until one begins with `wanted`."""
    line = b""
    for _ in range(16384):
        _limit(raw, ends)
        byte = raw.recv(1)
        if not byte:
            break
        line += byte
        if line.endswith(b"\n"):
            if line.startswith(wanted):
                return
            if line[:1] in b"45" and wanted[:1] == b"2":
                break
            line = b""
    raise ValueError(f"expected {wanted.decode()!r}, got {line[:80]!r}")
