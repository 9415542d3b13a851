"""A JSON API that is told a key in a header: asked within limits, never sent on to elsewhere, and every way in which
that fails has its own code.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from jobs.policy.failure import Failure
from jobs.policy.redirects import printable

_SILENCE = 10.0
"""Seconds for the connection, and between two pieces of an answer."""
_WHOLE_ANSWER = 60.0
"""Seconds for all of an answer, however slowly it comes."""
_LARGEST = 32 * 1024 * 1024
_SIGNS = re.compile(r"\A[\x21-\x7e]{1,1024}\Z")
_PATH = re.compile(r"\A(?:/[A-Za-z0-9._~-]+)*\Z")
_HOST = re.compile(r"\A[A-Za-z0-9.:-]+\Z")
_SHOWN = 300
_TOLD = frozenset({404, 422})
"""What these mean depends on the question."""


@dataclass(frozen=True)
class Answer:
    """`content`: the JSON of a success, None where there is nothing; `said`: the words of a refusal, fit for a page."""

    status: int
    content: Any = None
    said: str = ""

    @property
    def refused(self) -> bool:
        return self.status in _TOLD


class HttpApi:
    """One API. Each request has a connection of its own, so it may be used from several threads at once."""

    def __init__(
        self, url: str, header: str, key: str, ca_bundle: str = "", more: Mapping[str, str] | None = None
    ) -> None:
        """`ca_bundle`: a file by which an https server is trusted; empty: what the host trusts. `more`: headers beside
        that of the key, for which the same signs go.

        Raises Failure("option_invalid"), which never holds the key.
        """
        self._parts = _address(url)
        self._more = dict(more or {})
        if not all(map(_SIGNS.match, (key, *self._more.values()))):
            words = "the API key: expected printable ASCII signs without spaces"
            raise Failure("option_invalid", f"{self}: {words}", permanent=True)
        self._header = header
        self._key = key
        self._context = _context(ca_bundle) if self._parts.scheme == "https" else None

    def __str__(self) -> str:
        return f"the API at {self._parts.scheme}://{self._parts.netloc}{self._parts.path}"

    @property
    def host(self) -> str:
        return self._parts.hostname or ""

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """One request, sent once; `path` is below the API's own. Raises Failure for everything but a success, 404 and
        422."""
        data = None if body is None else json.dumps(body).encode()
        status, content = self._exchange(method, path, data)
        if 200 <= status < 300:
            return Answer(status, self._read(content) if content else None)
        said = self._said(content)
        if status in _TOLD:
            return Answer(status, said=said)
        raise self._refusal(status, f"{self}, asked to {method} {path}, answers HTTP {status}: {said}")

    def unreadable(self, why: str) -> Failure:
        """What to raise for an answer that is none of this API."""
        return Failure("dns_backend_api_bad_answer", f"{self}: {why}")

    def _exchange(self, method: str, path: str, data: bytes | None) -> tuple[int, bytes]:
        connection = self._connection()
        headers = {**self._more, self._header: self._key, "Accept": "application/json", "User-Agent": "autossl-panel"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        late = threading.Event()
        try:
            connection.connect()
            with _ended(connection.sock, _WHOLE_ANSWER, late):
                connection.request(method, self._parts.path + path, data, headers, preload_content=False)
                response = connection.getresponse()
                content = response.read(_LARGEST + 1)
        except (HTTPError, HTTPException, OSError) as error:
            raise self._failure(error, late.is_set()) from error
        finally:
            connection.close()
        if late.is_set():
            raise self._failure(TimeoutError(), True)
        if len(content) > _LARGEST:
            raise Failure("dns_backend_api_too_large", f"{self}: the answer is larger than {_LARGEST} bytes")
        return response.status, content

    def _connection(self) -> HTTPConnection:
        """Nothing is sent on, and no proxy of the environment is asked, at this level of the library."""
        if self._context is None:
            return HTTPConnection(self.host, self._parts.port, timeout=_SILENCE)
        return HTTPSConnection(self.host, self._parts.port, timeout=_SILENCE, ssl_context=self._context)

    def _failure(self, error: Exception, late: bool) -> Failure:
        if late:
            return Failure("dns_backend_timeout", f"{self}: no whole answer within {_WHOLE_ANSWER:g} s")
        match error:
            case NewConnectionError():
                return Failure("dns_backend_unreachable", f"{self}: {_cause(error)}")
            case ConnectTimeoutError() | ReadTimeoutError() | TimeoutError():
                return Failure("dns_backend_timeout", f"{self}: no answer within {_SILENCE:g} s")
            case ssl.SSLError():
                said = getattr(error, "verify_message", None) or str(error)
                return Failure("dns_backend_api_untrusted", f"{self}: {printable(said, _SHOWN)}")
            case ConnectionResetError() | BrokenPipeError():
                return Failure("dns_backend_api_hung_up", f"{self}: the connection was closed without an answer")
            case OSError():
                said = getattr(error, "strerror", None) or str(error) or "the connection was closed"
                return Failure("dns_backend_unreachable", f"{self}: {printable(said, _SHOWN)}")
        return self.unreadable(f"the answer is not HTTP: {printable(str(error), _SHOWN)}")

    def _read(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self.unreadable(f"expected JSON, got {self._shown(content[:80])!r}") from error

    def _said(self, content: bytes) -> str:
        """A refusal's own words: of {"error": "..."}, or the text as it is."""
        try:
            found = json.loads(content)
            words = found["error"]
        except (ValueError, RecursionError, LookupError, TypeError):
            words = content[: 4 * _SHOWN]
        return self._shown(words if isinstance(words, bytes) else str(words).encode()) or "nothing"

    def _shown(self, content: bytes) -> str:
        """Fit for a page, and without the key, should the other end have repeated it."""
        return printable(" ".join(content.decode("utf-8", "replace").replace(self._key, "***").split()), _SHOWN)

    def _refusal(self, status: int, words: str) -> Failure:
        if status == 401:
            return Failure("dns_backend_api_key_wrong", words)
        if status == 403:
            return Failure("dns_backend_api_forbidden", words)
        if 300 <= status < 400:
            return Failure("dns_backend_api_redirects", f"{words}; the key is not sent to elsewhere")
        if status >= 500:
            return Failure("dns_backend_server_failed", words)
        return self.unreadable(words.removeprefix(f"{self}, "))


@contextmanager
def _ended(sock: socket.socket, seconds: float, late: threading.Event) -> Iterator[None]:
    """Whatever is read from the socket in the block ends after so many seconds: its own timeout begins anew with every
    byte, and a hostile server sends few."""

    def end() -> None:
        late.set()
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of TLS too: the reader shall see the end of the stream

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _address(url: str) -> SplitResult:
    """The parts of an API's address. The key travels with every request, so without TLS only within this host.

    Raises Failure("option_invalid").
    """
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        usable = _SIGNS.match(url) and _usable(parts)
    except ValueError:
        usable = False
    if not usable:
        shown = printable(url.rpartition("@")[2], 80)
        words = f"API URL {shown!r}: expected an address such as http://127.0.0.1:8081 or https://dns.example.com"
        raise Failure("option_invalid", words, permanent=True)
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        words = f"API URL {printable(url, 80)!r}: expected https, for the key would cross the network in clear; "
        raise Failure("option_invalid", f"{words}http is for addresses of this host (127.0.0.1, ::1)", permanent=True)
    return parts


def _usable(parts: SplitResult) -> bool:
    """Raises ValueError for a port that is none."""
    host, plain = _HOST.match(parts.hostname or ""), not (parts.query or parts.fragment or "@" in parts.netloc)
    return bool(parts.scheme in ("http", "https") and host and parts.port != 0 and plain and _PATH.match(parts.path))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _context(ca_bundle: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_bundle or None)
    except (OSError, ValueError) as error:
        words = f"CA bundle {ca_bundle[:200]!r}: expected a file with certificates in PEM: {error}"
        raise Failure("option_invalid", words, permanent=True) from error


def _cause(error: Exception) -> str:
    """The system's words for why there is no connection, without the library's."""
    cause = error.__cause__
    return printable(getattr(cause, "strerror", None) or str(cause or error), _SHOWN)
