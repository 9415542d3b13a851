"""The transport: HTTPS with one connection pool, JWS signatures, nonces, and the retries of behaviour section 5."""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from base64 import urlsafe_b64encode
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from acme import jws
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from josepy.b64 import b64decode
from josepy.jwa import ES256, ES384, RS256
from josepy.jwk import JWKEC, JWKRSA

from jobs.policy.failure import Failure
from jobs.policy.plain_url import is_plain
from jobs.policy.redirects import LONGEST_URL, printable
from jobs.providers.protocol.deadline import TimedSocket, within
from jobs.providers.protocol.outward import Outward, pools
from jobs.providers.protocol.problem import Answer, error_type, failure, retry_after

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 15.0
WHOLE_ANSWER = 30.0
"""Seconds for all of an answer, however slowly it comes (behaviour section 5)."""
LARGEST_ANSWER = 1024 * 1024
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
_OBJECT = re.compile(r"\A(?:(?:HTTPS?)?Connection(?:Pool)?\([^)]*\)|<[^>]*>): ")
"""What the library's messages begin with."""


class Key:
    """An account key for signing: ECDSA P-256 or P-384, or RSA."""

    def __init__(self, pem: bytes) -> None:
        private: Any = load_pem_private_key(pem, password=None)
        kind = getattr(getattr(private, "curve", None), "name", "rsa")
        self.jwk: JWKRSA | JWKEC = JWKRSA(key=private) if kind == "rsa" else JWKEC(key=private)
        self.alg = {"rsa": RS256, "secp256r1": ES256, "secp384r1": ES384}[kind]

    @property
    def thumbprint(self) -> str:
        """As key authorizations have it: base64url of the SHA-256 (RFC 7638)."""
        digest: bytes = self.jwk.thumbprint()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


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
        self._pool: urllib3.PoolManager | None = None
        self._nonces: deque[str] = deque(maxlen=64)

    def get(self, url: str, step: str, seconds: float | None = None) -> Answer:
        """GET without a signature (the directory). Redirects are followed within the same host only. Raises Failure.

        `seconds`: somebody waits for the answer, so it comes within them, by one try, or not at all.
        """
        address, ends = url, time.monotonic() + (seconds or 0.0)
        for _ in range(MOST_REDIRECTS + 1):
            left = None if seconds is None else max(ends - time.monotonic(), SHORTEST)
            answer = self._persistent("GET", address, None, step, _Tries() if left is None else _Tries([], 0, left))
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
    ) -> Answer:
        """POST a JWS (POST-as-GET when `payload` is None), with fresh nonces as often as the CA asks for them.

        `sent_again`: how often it may be sent once more because its answer was lost, though the CA may have done what
        it asks for. Raises Failure.
        """
        data = b"" if payload is None else json.dumps(payload).encode()
        nonce, tries = self._nonce(nonce_url), _Tries(lost=sent_again)
        for _ in range(NONCE_RETRIES + 1):
            answer = self._persistent("POST", url, self._signed(url, data, key, kid, nonce), step, tries)
            fresh = answer.headers.get("replay-nonce")
            if answer.status < 400:
                self._keep(fresh)
                return answer
            if error_type(answer) != "badNonce":
                self._keep(fresh)
                raise failure(answer, step, datetime.now(UTC))
            nonce = fresh or self._nonce(nonce_url)
        raise failure(answer, f"{step}: {NONCE_RETRIES} fresh nonces were refused", datetime.now(UTC))

    def _signed(self, url: str, data: bytes, key: Key, kid: str | None, nonce: str) -> bytes:
        try:
            decoded = b64decode(nonce)
        except ValueError as error:
            raise Failure("ca_not_acme", f"{url}: the CA gave a nonce that is not base64url") from error
        signed = jws.JWS.sign(data, key=key.jwk, alg=key.alg, nonce=decoded, url=url, kid=kid)
        return bytes(signed.json_dumps().encode())

    def _nonce(self, url: str) -> str:
        """The newest nonce, because old ones expire; or a new one."""
        with self._lock:
            if self._nonces:
                return self._nonces.pop()
        answer = self._persistent("HEAD", url, None, "asking for a nonce", _Tries())
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

    def _persistent(self, method: str, url: str, body: bytes | None, step: str, tries: _Tries) -> Answer:
        """One request, made again for as long as there are `tries` left while there is no connection, no answer, or one
        that says that it is for the moment only."""
        problem: Exception
        while True:
            nobody = False
            try:
                answer = self._once(method, url, body, tries.seconds)
            except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
                problem, nobody = error, True
            except (urllib3.exceptions.HTTPError, OSError) as error:
                problem = error
                tries.lost -= 1
            else:
                wait = _short_wait(answer, tries.waits)
                if wait is None:
                    return answer
                del tries.waits[0]
                time.sleep(wait)
                continue
            if not tries.waits or tries.lost < 0:
                words = f"{step}: {_host(url)}: {_cause(problem)}"
                raise Failure("ca_unreachable", words, of_provider=nobody) from problem
            time.sleep(tries.waits.pop(0))

    def _once(self, method: str, url: str, body: bytes | None, seconds: float) -> Answer:
        require_https(url)
        headers = {"User-Agent": self._agent, "Accept-Language": "en", "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = JOSE
        limits = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, seconds), read=min(READ_TIMEOUT, seconds))
        with within(seconds):
            response = self._connections().request(
                method, url, body=body, headers=headers, redirect=False, preload_content=False, timeout=limits
            )
            try:
                _require_unpacked(url, response)
                content = response.read(LARGEST_ANSWER + 1, decode_content=False)
                if len(content) > LARGEST_ANSWER:
                    raise Failure("ca_not_acme", f"{url}: the answer is larger than {LARGEST_ANSWER} bytes")
            finally:
                response.close()  # what was read to its end gave its connection back before, and keeps it open
        received = {key.lower(): value for key, value in response.headers.items()}
        return Answer(url, response.status, received, content, self.outward.peer(urlsplit(url).hostname or ""))

    def _connections(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None:
                self._pool = urllib3.PoolManager(
                    num_pools=4,
                    maxsize=32,
                    retries=False,
                    ssl_context=self._context(),
                )
                self._pool.pool_classes_by_scheme = pools(self.outward)
            return self._pool

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


def _require_unpacked(url: str, response: urllib3.BaseHTTPResponse) -> None:
    """Nobody asked for it to be packed (`Accept-Encoding: identity` is sent), and little can be packed that is much."""
    packed = response.headers.get("content-encoding", "identity")
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
    """The innermost cause in words, without the library's object names."""
    late = isinstance(error, urllib3.exceptions.TimeoutError)
    if late and not isinstance(error, urllib3.exceptions.NewConnectionError):  # the library counts it as one
        return "it did not answer in time"
    reason = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, Exception) else error)
    return _OBJECT.sub("", text) or type(error).__name__
