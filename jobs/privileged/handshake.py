"""The verb `probe`: one TLS handshake, to see what a service really serves."""

from __future__ import annotations

import socket
import ssl
import time
from functools import cache

from jobs.ports import Endpoint, Served

PROBE_TIMEOUT = 10.0


def probe(endpoint: Endpoint, timeout: float = PROBE_TIMEOUT) -> Served:
    """Make one TLS handshake and take the leaf. Trust is not judged here: the caller compares the certificate.

    `timeout`: seconds for all of it, however slowly the other side speaks.
    """
    ends = time.monotonic() + timeout
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout) as raw:
            if endpoint.starttls:
                _start_tls(raw, endpoint.starttls, ends)
            _limit(raw, ends)
            with _context().wrap_socket(raw, server_hostname=endpoint.sni) as tls:
                return Served(endpoint, tls.getpeercert(binary_form=True))
    except (OSError, ValueError) as error:
        words = f"{endpoint}: {getattr(error, 'strerror', None) or error}"
        return Served(endpoint, None, words, late=isinstance(error, TimeoutError))


@cache
def _context() -> ssl.SSLContext:
    """One for all handshakes: making it takes as long as a handshake, and no session of it is ever resumed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


_PIECE, _LONGEST_ANSWER = 4096, 16384
"""Bytes that are read at a time, and until the line that is waited for has ended."""

_STARTTLS = {"smtp": (b"220", b"EHLO autossl.invalid\r\n", b"250 ", b"STARTTLS\r\n", b"220"),
             "imap": (b"* OK", b"", b"", b"a1 STARTTLS\r\n", b"a1 OK")}


def _limit(raw: socket.socket, ends: float) -> None:
    """Nothing more may take longer than is left until `ends` (`time.monotonic`). Raises TimeoutError."""
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    raw.settimeout(left)


def _start_tls(raw: socket.socket, protocol: str, ends: float) -> None:
    """Say the words before TLS (RFC 3207 for SMTP, RFC 9051 section 6.2.1 for IMAP). Raises ValueError.

    The client speaks first in TLS, so nothing of the handshake can come with the last answer.
    """
    greeting, hello, answer, command, ready = _STARTTLS[protocol]
    left = _expect(raw, greeting, b"", ends)
    if hello:
        raw.sendall(hello)
        left = _expect(raw, answer, left, ends)
    raw.sendall(command)
    left = _expect(raw, ready, left, ends)
    if left:
        raise ValueError(f"expected nothing behind {ready.decode()!r}, got {left[:80]!r}")


def _expect(raw: socket.socket, wanted: bytes, said: bytes, ends: float) -> bytes:
    """Read lines until one begins with `wanted`; returns what came behind it. `said`: what was read before."""
    read = 0
    while True:
        line, end, rest = said.partition(b"\n")
        if end:
            said = rest
            if line.startswith(wanted):
                return said
            if line[:1] in b"45" and wanted[:1] == b"2":
                break
            continue
        _limit(raw, ends)
        piece = raw.recv(_PIECE)
        read += len(piece)
        if not piece or read > _LONGEST_ANSWER:
            break
        said += piece
    raise ValueError(f"expected {wanted.decode()!r}, got {line[:80]!r}")
