"""One HTTP/1.1 request over a connection to one address, read as carefully as a stranger's answer deserves."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum

from jobs.policy.redirects import printable
from jobs.policy.who_answered import front_of

BODY_LIMIT = 16 * 1024
_LINE_LIMIT = 16 * 1024
_MOST_HEADERS = 100
_MOST_INTERIM = 3


class BadAnswer(Exception):
    """What came is not HTTP; the message says where it stopped making sense."""


class TooLarge(Exception):
    """The body is larger than BODY_LIMIT."""


class Step(StrEnum):
    """How far an exchange came, in the words of what did not end."""

    CONNECT = "the connection"
    HANDSHAKE = "the TLS handshake"
    WAIT = "the wait for an answer"
    HEADERS = "the headers"
    BODY = "the body"


@dataclass(frozen=True, slots=True)
class Answer:
    """`server` names the software, cleaned and cut; `front` the CDN whose signs the headers bear. `body` is empty
    unless the status is 200; it is only compared."""

    status: int
    server: str
    front: str = ""
    location: str | None = None
    body: bytes = b""


class Exchange:
    """One request to one address. `step` says where it is, also after it failed."""

    def __init__(self) -> None:
        self.step = Step.CONNECT
        self._writer: asyncio.StreamWriter | None = None

    @property
    def connected(self) -> bool:
        """Whether somebody took the connection."""
        return self.step is not Step.CONNECT

    async def get(self, address: str, port: int, host: str, path: str, tls: bool) -> Answer:
        """GET `path` of `host`. No cookies, nothing kept; `close` has to follow in every outcome.

        The certificate of a TLS connection is not looked at, because a CA doesn't either: the name may have none yet.
        Raises OSError (ssl.SSLError is one), BadAnswer, TooLarge.
        """
        sock = await _connected(address, port)
        self.step = Step.HANDSHAKE if tls else Step.WAIT
        reader, self._writer = await asyncio.open_connection(
            sock=sock, limit=_LINE_LIMIT, ssl=_any_certificate() if tls else None, server_hostname=host if tls else None
        )
        self.step = Step.WAIT
        self._writer.write(_request(host, path))
        await self._writer.drain()
        try:
            return await self._answer(reader)
        except (asyncio.IncompleteReadError, ValueError) as error:
            raise BadAnswer("the answer ended early, or a line of it is too long or not to be read") from error

    def close(self) -> None:
        """Give nothing a chance to linger."""
        if self._writer:
            self._writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        first = await reader.read(1)
        self.step = Step.HEADERS
        status, headers = await _head(reader, first)
        self.step = Step.BODY
        body = await _body(reader, headers) if status == 200 else b""
        server = printable(headers.get("server", ""), 60)
        return Answer(status, server, front_of(headers), headers.get("location"), body)


async def _connected(address: str, port: int) -> socket.socket:
    """A socket that is connected; nothing is looked up. Raises OSError."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _request(host: str, path: str) -> bytes:
    lines = (
        f"GET {path} HTTP/1.1", f"Host: {host}", "User-Agent: autossl-preflight", "Accept: */*",
        "Accept-Encoding: identity", "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _head(reader: asyncio.StreamReader, first: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer that begins with the byte `first`; there is none if that is empty."""
    for _ in range(_MOST_INTERIM):
        status = _status(await _line(reader, first))
        first = b""
        headers = await _headers(reader)
        if status >= 200:
            return status, headers
    raise BadAnswer("too many interim answers")


def _status(line: str) -> int:
    version, _, rest = line.partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit()) or not 100 <= int(code) <= 599:
        raise BadAnswer("the first line is not the status line of HTTP/1")
    return int(code)


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        line = await _line(reader)
        if not line:
            return headers
        key, colon, value = line.partition(":")
        if colon:
            headers.setdefault(key.strip().lower(), value.strip())
    raise BadAnswer(f"there are more than {_MOST_HEADERS} headers")


async def _line(reader: asyncio.StreamReader, begun: bytes = b"") -> str:
    """The next line, of which `begun` was read already."""
    raw = begun if begun == b"\n" else begun + await reader.readline()
    if not raw.endswith(b"\n"):
        raise BadAnswer("the connection was closed before the answer ended" if raw else "the connection was closed")
    return raw.decode("latin-1").rstrip("\r\n")


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "identity").lower() != "identity":
        return await _chunks(reader)
    if "content-length" in headers:
        return await _exactly(reader, _number(headers["content-length"], 10))
    body = b""
    while chunk := await reader.read(BODY_LIMIT + 1 - len(body)):
        body += chunk
        if len(body) > BODY_LIMIT:
            raise TooLarge
    return body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """What stands around the chunks (sizes, extensions) may be as large as a body, and no larger."""
    body, around = b"", 0
    while True:
        line = await _line(reader)
        around += len(line)
        if around > BODY_LIMIT:
            raise TooLarge
        size = _number(line.partition(";")[0].strip(), 16)
        if not size:
            return body
        body += await _exactly(reader, size, len(body))
        around += len(await _line(reader))


async def _exactly(reader: asyncio.StreamReader, size: int, already: int = 0) -> bytes:
    if size + already > BODY_LIMIT:
        raise TooLarge
    return await reader.readexactly(size)


def _number(text: str, base: int) -> int:
    if not text.isascii() or not text.isalnum() or len(text) > 16:
        raise BadAnswer("a length in it is not a number")
    return int(text, base)
