"""Account keys, and the signatures of requests (RFC 8555 section 6.2, RFC 7515)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from josepy.jwk import JWKEC, JWKRSA

from jobs.policy.failure import Failure

_NONCE = re.compile(r"\A[A-Za-z0-9_-]+\Z")
_ALGORITHMS: dict[str, tuple[str, hashes.HashAlgorithm, int]] = {
    "secp256r1": ("ES256", hashes.SHA256(), 32),
    "secp384r1": ("ES384", hashes.SHA384(), 48),
}
"""By the curve: the name, the hash, and the bytes of each half of a signature (RFC 7518 section 3.4)."""


class Key:
    """An account key for signing: ECDSA P-256 or P-384, or RSA."""

    def __init__(self, pem: bytes) -> None:
        self._private: Any = load_pem_private_key(pem, password=None)
        curve = getattr(self._private, "curve", None)
        self._curve = None if curve is None else _ALGORITHMS[curve.name]
        self._jwk: JWKRSA | JWKEC = JWKEC(key=self._private) if self._curve else JWKRSA(key=self._private)

    @property
    def alg(self) -> str:
        return self._curve[0] if self._curve else "RS256"

    @cached_property
    def public(self) -> dict[str, str]:
        """The public key as a JWK."""
        jwk: dict[str, str] = self._jwk.public_key().to_json()
        return jwk

    @cached_property
    def thumbprint(self) -> str:
        """As key authorizations have it: base64url of the SHA-256 (RFC 7638)."""
        digest: bytes = self._jwk.thumbprint()
        return _base64url(digest).decode()

    def sign(self, data: bytes) -> bytes:
        """As JWS has it: of ECDSA both halves, each in its full length (RFC 7518 section 3.4)."""
        if self._curve is None:
            signature: bytes = self._private.sign(data, padding.PKCS1v15(), hashes.SHA256())
            return signature
        _, algorithm, size = self._curve
        r, s = decode_dss_signature(self._private.sign(data, ec.ECDSA(algorithm)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def signed(url: str, payload: bytes, key: Key, kid: str | None, nonce: str) -> bytes:
    """The request's body: `payload` for `url`, signed by `key`, which is named by `kid` or stands there itself.

    Raises Failure("ca_not_acme") for a nonce that is none.
    """
    if not _NONCE.match(nonce):
        raise Failure("ca_not_acme", f"{url}: the CA gave a nonce that is not base64url")
    who = {"jwk": key.public} if kid is None else {"kid": kid}
    protected = _base64url(json.dumps({"alg": key.alg, **who, "nonce": nonce, "url": url}).encode())
    content = _base64url(payload)
    signature = _base64url(key.sign(protected + b"." + content))
    return b'{"protected":"%b","payload":"%b","signature":"%b"}' % (protected, content, signature)


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
