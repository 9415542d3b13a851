"""Fetches a CA's list of revoked certificates: by http, for the list is signed, and from hosts of the Internet only.

The URL stands in a certificate, which a customer may have brought: nothing inside the network is asked because of it.
"""

from __future__ import annotations

import http.client
import socket
import threading
from urllib.parse import urlsplit

from jobs.policy.failure import Failure
from jobs.policy.redirects import AddressKind, address_kind, printable

SECONDS = 20.0
"""For the whole answer, however slowly it comes."""

LARGEST = 32 * 1024 * 1024
BLOCK = 64 * 1024
HTTP_PORT = 80


def fetch(url: str, inside: bool, seconds: float = SECONDS, largest: int = LARGEST) -> bytes:
    """The list at `url`, which passed `revocation.fetchable`. `inside`: it may lie inside the network, and on any port.

    No redirect is followed: CAs have none here. Raises Failure("crl_unreachable").
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or HTTP_PORT
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        with _connected(host, port, inside, seconds) as sock:
            return _asked(sock, parts.netloc, path, seconds, largest)
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: a host that no name can be
        raise _unreachable(url, str(error) or type(error).__name__) from error
    except _Refused as refused:
        raise _unreachable(url, str(refused)) from refused


class _Refused(Exception):
    """Why nothing was asked, or the answer was not taken."""


def _connected(host: str, port: int, inside: bool, seconds: float) -> socket.socket:
    """The name is looked up once, and what was looked at is connected to."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    allowed = [one for one in addresses if inside or address_kind(one.partition("%")[0]) is AddressKind.PUBLIC]
    if not allowed:
        raise _Refused(f"{', '.join(addresses)} is no address of the Internet, so it is not asked")
    if port != HTTP_PORT and not inside:
        raise _Refused(f"port {port}: expected {HTTP_PORT}")
    return socket.create_connection((allowed[0], port), timeout=seconds)


def _asked(sock: socket.socket, host: str, path: str, seconds: float, largest: int) -> bytes:
    """One answer. When the time is over the connection is cut, in whatever part of the answer that is."""
    connection = http.client.HTTPConnection(host)
    connection.sock = sock
    over = threading.Event()
    late = threading.Timer(seconds, _cut, (sock, over))
    late.start()
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "identity", "User-Agent": "autossl-panel"})
        with connection.getresponse() as answer:
            content = bytearray()
            while len(content) <= largest and (block := answer.read1(BLOCK)):  # read(n) believes a chunk's own size
                content += block
            if over.is_set():
                raise _Refused(f"it did not come to its end in {seconds:.0f} seconds")
            if answer.status != http.client.OK:
                raise _Refused(f"HTTP {answer.status}")
            if len(content) > largest:
                raise _Refused(f"it is larger than {largest} bytes")
            return bytes(content)
    finally:
        late.cancel()


def _cut(sock: socket.socket, over: threading.Event) -> None:
    over.set()
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already


def _unreachable(url: str, why: str) -> Failure:
    return Failure("crl_unreachable", f"{printable(url, 200)}: fetching the list of revoked certificates: {why}")
