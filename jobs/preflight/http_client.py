"""One HTTP/1.1 request over a connection to one address, read as carefully as a stranger's answer deserves."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

from jobs.policy.redirects import printable

BODY_LIMIT = 16 * 1024
_LINE_LIMIT = 16 * 1024
_MOST_HEADERS = 100
_MOST_INTERIM = 3


class BadAnswer(Exception):
    """What came is not HTTP; the message says where it stopped making sense."""


class TooLarge(Exception):
    """The body is larger than BODY_LIMIT."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`server` names the software, cleaned and cut. `body` is empty unless the status is 200; it is only compared."""

    status: int
    server: str
    location: str | None = None
    body: bytes = b""


@dataclass
class Connection:
    """An open connection. `close` gives nothing a chance to linger."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def close(self) -> None:
        self.writer.transport.abort()


async def connect(address: str, port: int, tls_name: str | None) -> Connection:
    """Connect to `address`; `tls_name` is the SNI of a TLS connection, whose certificate is not looked at, because a
    CA doesn't either: the name may have none yet. Raises OSError (ssl.SSLError is one)."""
    context = _any_certificate() if tls_name is not None else None
    reader, writer = await asyncio.open_connection(
        address, port, ssl=context, server_hostname=tls_name, limit=_LINE_LIMIT
    )
    return Connection(reader, writer)


async def get(connection: Connection, host: str, path: str) -> Answer:
    """GET `path` of `host`. No cookies, nothing kept. Raises BadAnswer, TooLarge, OSError."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: autossl-preflight\r\nAccept: */*\r\n"
        "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    )
    connection.writer.write(request.encode("ascii"))
    await connection.writer.drain()
    try:
        status, headers = await _head(connection.reader)
        body = await _body(connection.reader, headers) if status == 200 else b""
    except (asyncio.IncompleteReadError, ValueError) as error:
        raise BadAnswer("the answer ended early, or a line of it is too long or not to be read") from error
    return Answer(status, printable(headers.get("server", ""), 60), headers.get("location"), body)


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    for _ in range(_MOST_INTERIM):
        status = _status(await _line(reader))
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


async def _line(reader: asyncio.StreamReader) -> str:
    raw = await reader.readline()
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
    body = b""
    while size := _number((await _line(reader)).partition(";")[0].strip(), 16):
        body += await _exactly(reader, size, len(body))
        await _line(reader)
    return body


async def _exactly(reader: asyncio.StreamReader, size: int, already: int = 0) -> bytes:
    if size + already > BODY_LIMIT:
        raise TooLarge
    return await reader.readexactly(size)


def _number(text: str, base: int) -> int:
    if not text.isascii() or not text.isalnum() or len(text) > 16:
        raise BadAnswer("a length in it is not a number")
    return int(text, base)
