"""The transport: HTTPS with one connection pool, JWS signatures, nonces, and the retries of behaviour section 5."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from acme import jws
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from josepy.b64 import b64decode
from josepy.jwa import ES256, ES384, RS256
from josepy.jwk import JWKEC, JWKRSA

from jobs.policy.failure import Failure
from jobs.providers.protocol.problem import Answer, error_type, failure

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 15.0
LARGEST_ANSWER = 1024 * 1024
NONCE_RETRIES = 10
RETRY_WAITS = (0.25, 1.0, 2.0)
"""Seconds before each further try after a network error or a 5xx."""
JOSE = "application/jose+json"


class Key:
    """An account key for signing: ECDSA P-256 or P-384, or RSA."""

    def __init__(self, pem: bytes) -> None:
        private: Any = load_pem_private_key(pem, password=None)
        kind = getattr(getattr(private, "curve", None), "name", "rsa")
        self.jwk: JWKRSA | JWKEC = JWKRSA(key=private) if kind == "rsa" else JWKEC(key=private)
        self.alg = {"rsa": RS256, "secp256r1": ES256, "secp384r1": ES384}[kind]


class Wire:
    """Requests to one CA. Safe from several threads at once; connections and nonces are shared."""

    def __init__(self, ca_bundle: Path | None, agent: str = "autossl-panel") -> None:
        self._ca_bundle = ca_bundle
        self._agent = agent
        self._lock = threading.Lock()
        self._pool: urllib3.PoolManager | None = None
        self._nonces: deque[str] = deque(maxlen=64)

    def get(self, url: str, step: str) -> Answer:
        """GET without a signature (the directory). Raises Failure."""
        answer = self._persistent("GET", url, None, step, again=True)
        if answer.status != 200:
            raise failure(answer, step, datetime.now(UTC))
        return answer

    def post(
        self, url: str, payload: Any, key: Key, kid: str | None, nonce_url: str, step: str, *, again: bool = True
    ) -> Answer:
        """POST a JWS (POST-as-GET when `payload` is None), with fresh nonces as often as the CA asks for them.

        `again`: the request may be sent twice without harm, so a lost answer is asked for once more. Raises Failure.
        """
        data = b"" if payload is None else json.dumps(payload).encode()
        nonce = self._nonce(nonce_url)
        for _ in range(NONCE_RETRIES + 1):
            answer = self._persistent("POST", url, self._signed(url, data, key, kid, nonce), step, again=again)
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
        answer = self._persistent("HEAD", url, None, "asking for a nonce", again=True)
        nonce = answer.headers.get("replay-nonce")
        if not nonce:
            raise Failure("ca_not_acme", f"{url}: expected a Replay-Nonce header (HTTP {answer.status})")
        return nonce

    def _keep(self, nonce: str | None) -> None:
        if nonce:
            with self._lock:
                self._nonces.append(nonce)

    def _persistent(self, method: str, url: str, body: bytes | None, step: str, *, again: bool) -> Answer:
        """One request; network errors and 5xx without Retry-After are tried again after each of RETRY_WAITS."""
        waits = list(RETRY_WAITS)
        problem: Exception
        while True:
            try:
                answer = self._once(method, url, body)
            except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
                problem, may = error, True
            except (urllib3.exceptions.HTTPError, OSError) as error:
                problem, may = error, again
            else:
                if answer.status < 500 or "retry-after" in answer.headers or not waits or not again:
                    return answer
                time.sleep(waits.pop(0))
                continue
            if not may or not waits:
                raise Failure("ca_unreachable", f"{step}: {_host(url)}: {_cause(problem)}") from problem
            time.sleep(waits.pop(0))

    def _once(self, method: str, url: str, body: bytes | None) -> Answer:
        _require_https(url)
        headers = {"User-Agent": self._agent, "Accept-Language": "en"}
        if body is not None:
            headers["Content-Type"] = JOSE
        response = self._connections().request(
            method, url, body=body, headers=headers, redirect=method == "GET", preload_content=False
        )
        try:
            content = response.read(LARGEST_ANSWER + 1, decode_content=True)
            if len(content) > LARGEST_ANSWER:
                raise Failure("ca_not_acme", f"{url}: the answer is larger than {LARGEST_ANSWER} bytes")
            response.drain_conn()
        finally:
            response.release_conn()
        return Answer(url, response.status, {key.lower(): value for key, value in response.headers.items()}, content)

    def _connections(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None:
                self._pool = urllib3.PoolManager(
                    num_pools=4,
                    maxsize=32,
                    retries=urllib3.Retry(total=False, redirect=5),
                    timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
                    ssl_context=self._context(),
                )
            return self._pool

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=str(self._ca_bundle) if self._ca_bundle else None)
        except (OSError, ssl.SSLError) as error:
            words = f"{self._ca_bundle}: expected certificates in PEM to trust the CA's server by: {error}"
            raise Failure("ca_bundle_unreadable", words, permanent=True) from error


def _require_https(url: str) -> None:
    """A CA names all further addresses itself; one without TLS would let anybody on the way answer for it."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise Failure("ca_not_acme", f"{url[:200]!r}: expected an https address", permanent=True)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _cause(error: Exception) -> str:
    """The innermost cause in words, without the library's object names."""
    reason = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, Exception) else error)
    return text.rpartition(">: ")[2] or type(error).__name__
