"""The transport: HTTPS with one connection pool, JWS signatures, nonces, and the retries of behaviour section 5.

A request holds its thread until there is an answer, or none; the time until it is made again is waited for without one.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from jobs.policy.failure import Failure
from jobs.policy.plain_url import is_plain
from jobs.policy.redirects import LONGEST_URL, printable
from jobs.ports import Waits
from jobs.providers.protocol.connections import HTTPS, LARGEST_ANSWER, Connections, NotConnected
from jobs.providers.protocol.deadline import TimedSocket
from jobs.providers.protocol.jws import Key, signed
from jobs.providers.protocol.outward import Outward
from jobs.providers.protocol.problem import Answer, error_type, failure, retry_after

WHOLE_ANSWER = 30.0
"""Seconds for all of an answer, however slowly it comes (behaviour section 5)."""
NONCE_RETRIES = 10
RETRY_WAITS = (0.25, 1.0, 2.0)
"""Seconds before each further try after a network error, a 5xx, or a time to wait that is as short as this."""
SHORT_WAIT = 10.0
"""Seconds up to which a Retry-After is waited for on the spot; what is longer ends the request."""
SENT_AGAIN = len(RETRY_WAITS)
SHORTEST = 0.1
"""Seconds that even the last redirect has."""
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
JOSE = "application/jose+json"


@dataclass
class _Tries:
    """What is left to one request, whatever nonces it goes through: the waits before each further try, how many lost
    answers are asked for again, and the seconds for each answer."""

    waits: list[float] = field(default_factory=lambda: list(RETRY_WAITS))
    lost: int = SENT_AGAIN
    seconds: float = field(default_factory=lambda: WHOLE_ANSWER)


class Wire:
    """Requests to one CA. Safe from several threads at once; connections and nonces are shared."""

    def __init__(self, ca_bundle: Path | str | None, agent: str = "autossl-panel") -> None:
        """`ca_bundle`: what the CA's own server is trusted by, as a file or as PEM text; None: what the host trusts."""
        self._ca_bundle = ca_bundle
        self._agent = agent
        self.outward = Outward()
        self._lock = threading.Lock()
        self._connections: Connections | None = None
        self._nonces: deque[str] = deque(maxlen=64)

    def get(self, url: str, step: str, seconds: float | None = None) -> Waits[Answer]:
        """GET without a signature (the directory). Redirects are followed within the same host only. Raises Failure.

        `seconds`: somebody waits for the answer, so it comes within them, by one try without a wait, or not at all.
        """
        address, ends = url, time.monotonic() + (seconds or 0.0)
        for _ in range(MOST_REDIRECTS + 1):
            left = None if seconds is None else max(ends - time.monotonic(), SHORTEST)
            tries = _Tries() if left is None else _Tries([], 0, left)
            answer = yield from self._persistent("GET", address, None, step, tries)
            if answer.status not in REDIRECTS:
                break
            address = _redirected(address, answer, step)
        else:
            raise Failure("ca_not_acme", f"{step}: {url}: more than {MOST_REDIRECTS} redirects")
        if answer.status != 200:
            raise failure(answer, step, datetime.now(UTC))
        return answer

    def post(
        self,
        url: str,
        payload: Any,
        key: Key,
        kid: str | None,
        nonce_url: str,
        step: str,
        *,
        sent_again: int = SENT_AGAIN,
    ) -> Waits[Answer]:
        """POST a JWS (POST-as-GET when `payload` is None), with fresh nonces as often as the CA asks for them.

        `sent_again`: how often it may be sent once more because its answer was lost, though the CA may have done what
        it asks for. Raises Failure.
        """
        data = b"" if payload is None else json.dumps(payload).encode()
        nonce, tries = (yield from self._nonce(nonce_url)), _Tries(lost=sent_again)
        for _ in range(NONCE_RETRIES + 1):
            answer = yield from self._persistent("POST", url, signed(url, data, key, kid, nonce), step, tries)
            fresh = answer.headers.get("replay-nonce")
            if answer.status < 400:
                self._keep(fresh)
                return answer
            if error_type(answer) != "badNonce":
                self._keep(fresh)
                raise failure(answer, step, datetime.now(UTC))
            nonce = fresh or (yield from self._nonce(nonce_url))
        raise failure(answer, f"{step}: {NONCE_RETRIES} fresh nonces were refused", datetime.now(UTC))

    def _nonce(self, url: str) -> Waits[str]:
        """The newest nonce, because old ones expire; or a new one."""
        with self._lock:
            if self._nonces:
                return self._nonces.pop()
        answer = yield from self._persistent("HEAD", url, None, "asking for a nonce", _Tries())
        if answer.status >= 400:
            raise failure(answer, "asking for a nonce", datetime.now(UTC))
        nonce = answer.headers.get("replay-nonce")
        if not nonce:
            raise Failure("ca_not_acme", f"{url}: expected a Replay-Nonce header (HTTP {answer.status})")
        return nonce

    def _keep(self, nonce: str | None) -> None:
        if nonce:
            with self._lock:
                self._nonces.append(nonce)

    def _persistent(self, method: str, url: str, body: bytes | None, step: str, tries: _Tries) -> Waits[Answer]:
        """One request, made again for as long as there are `tries` left while there is no connection, no answer, or one
        that says that it is for the moment only."""
        problem: Exception
        while True:
            nobody = False
            try:
                answer = self._once(method, url, body, tries.seconds)
            except NotConnected as error:
                problem, nobody = error, True
            except (http.client.HTTPException, OSError) as error:
                problem = error
                tries.lost -= 1
            else:
                wait = _short_wait(answer, tries.waits)
                if wait is None:
                    return answer
                del tries.waits[0]
                yield wait
                continue
            if not tries.waits or tries.lost < 0:
                words = f"{step}: {_host(url)}: {_cause(problem)}"
                raise Failure("ca_unreachable", words, of_provider=nobody) from problem
            yield tries.waits.pop(0)

    def _once(self, method: str, url: str, body: bytes | None, seconds: float) -> Answer:
        require_https(url)
        parts = urlsplit(url)
        host = parts.hostname or ""
        headers = {"User-Agent": self._agent, "Accept-Language": "en", "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = JOSE
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        port = parts.port or HTTPS
        response, content = self._pool().ask(host, port, method, target, headers, body or b"", seconds)
        received = {key.lower(): value for key, value in response.getheaders()}
        _require_unpacked(url, received)
        if len(content) > LARGEST_ANSWER:
            raise Failure("ca_not_acme", f"{url}: the answer is larger than {LARGEST_ANSWER} bytes")
        return Answer(url, response.status, received, content, self.outward.peer(host))

    def _pool(self) -> Connections:
        with self._lock:
            if self._connections is None:
                self._connections = Connections(self._context(), self.outward)
            return self._connections

    def _context(self) -> ssl.SSLContext:
        bundle = self._ca_bundle or None
        file, text = (str(bundle), None) if isinstance(bundle, Path) else (None, bundle)
        try:
            context = ssl.create_default_context(cafile=file, cadata=text)
        except (OSError, ValueError) as error:
            words = f"{file or 'the CA bundle'}: expected certificates in PEM to trust the CA's server by: {error}"
            raise Failure("ca_bundle_unreadable", words, permanent=True) from error
        context.sslsocket_class = TimedSocket
        return context


def _short_wait(answer: Answer, waits: list[float]) -> float | None:
    """Seconds until the same is asked again, because the answer is for the moment only: an error of the CA's own, or a
    short time to wait that it names. None: it is the answer."""
    if not waits or (answer.status < 500 and answer.status != 429):
        return None
    now = datetime.now(UTC)
    asked = retry_after(answer.headers, now)
    if asked is None:
        return waits[0] if answer.status != 429 else None
    named = (asked - now).total_seconds()
    return max(named, waits[0]) if named <= SHORT_WAIT else None


def require_https(url: str) -> str:
    """The same URL. A CA names all further addresses itself; one without TLS would let anybody on the way answer for
    it, and one that is not plain would be something else to the next reader. Raises Failure("ca_not_acme")."""
    if not is_plain(url, ("https",), LONGEST_URL):
        raise Failure("ca_not_acme", f"{url[:200]!r}: expected an https address", permanent=True)
    return url


def _require_unpacked(url: str, headers: Mapping[str, str]) -> None:
    """Nobody asked for it to be packed (`Accept-Encoding: identity` is sent), and little can be packed that is much."""
    packed = headers.get("content-encoding", "identity")
    if packed.strip().lower() not in ("", "identity"):
        raise Failure("ca_not_acme", f"{url}: the answer is packed ({printable(packed, 60)}), which was not asked for")


def _redirected(url: str, answer: Answer, step: str) -> str:
    """Where a redirect leads. To another host, or port, it is not followed: nobody chose to trust that one."""
    target = urljoin(url, answer.headers.get("location", ""))
    if urlsplit(target).scheme != "https" or _host(target) != _host(url):
        words = f"{step}: {_host(url)} sends on to {target[:200]!r}, which is another host or not https"
        raise Failure("ca_not_acme", words, permanent=True)
    return target


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _cause(error: Exception) -> str:
    """In words, without the library's object names."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return f"its answer ended early, {error.expected} bytes were missing"
    return printable(str(error), 300) or type(error).__name__
