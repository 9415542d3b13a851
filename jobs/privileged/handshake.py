"""The verb `probe`: one TLS handshake, to see what a service really serves."""

from __future__ import annotations

import socket
import ssl

from jobs.ports import Endpoint, Served

PROBE_TIMEOUT = 10.0


def probe(endpoint: Endpoint, timeout: float = PROBE_TIMEOUT) -> Served:
    """Make one TLS handshake and take the leaf. Trust is not judged here: the caller compares the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout) as raw:
            if endpoint.starttls:
                _start_tls(raw, endpoint.starttls)
            with context.wrap_socket(raw, server_hostname=endpoint.sni) as tls:
                return Served(endpoint, tls.getpeercert(binary_form=True))
    except (OSError, ValueError) as error:
        return Served(endpoint, None, f"{endpoint}: {getattr(error, 'strerror', None) or error}")


_STARTTLS = {"smtp": (b"220", b"EHLO autossl.invalid\r\n", b"250 ", b"STARTTLS\r\n", b"220"),
             "imap": (b"* OK", b"", b"", b"a1 STARTTLS\r\n", b"a1 OK")}


def _start_tls(raw: socket.socket, protocol: str) -> None:
    """Say the words before TLS (RFC 3207 for SMTP, RFC 9051 section 6.2.1 for IMAP). Raises ValueError."""
    greeting, hello, answer, command, ready = _STARTTLS[protocol]
    _expect(raw, greeting)
    if hello:
        raw.sendall(hello)
        _expect(raw, answer)
    raw.sendall(command)
    _expect(raw, ready)


def _expect(raw: socket.socket, wanted: bytes) -> None:
    """Read lines, byte by byte (nothing of the handshake may be swallowed), until one begins with `wanted`."""
    line = b""
    for _ in range(16384):
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
