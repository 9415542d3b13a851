"""An HTTPS server on loopback that sends, byte by byte, what a test says; and counts what is asked of it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.panel.directory_server import self_signed

Says = bytes | Callable[[bytes], bytes | Iterable[bytes]]


def answer(body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close",
             "Replay-Nonce: bm9uY2Ux", *headers, "", "")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


@dataclass
class EvilServer:
    """`says`: what is answered at each path; `requests`: what came, `sent`: bytes that left."""

    address: str
    port: int
    ca_bundle: Path
    says: dict[str, Says] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    sent: int = 0

    def url(self, path: str) -> str:
        return f"https://{self.address}:{self.port}{path}"

    def serve(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(65536)
            if not part:
                return
            request += part
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.lower() for line in head.split(b"\r\n")]
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        said = self.says.get(head.split(b" ")[1].decode(), answer(b"{}", status="404 Not Found"))
        if callable(said):
            said = said(body)
        for part in [said] if isinstance(said, bytes) else said:
            connection.sendall(part)
            self.sent += len(part)


@contextmanager
def evil_server(folder: Path, address: str = "127.0.0.1") -> Iterator[EvilServer]:
    folder.mkdir(parents=True, exist_ok=True)
    self_signed(folder, address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "wfe.pem", folder / "wfe.key")
    listening = socket.create_server((address, 0))
    server = EvilServer(address, listening.getsockname()[1], folder / "wfe.pem")

    def one(raw: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as connection:
            server.serve(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = listening.accept()
                threading.Thread(target=one, args=(raw,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
