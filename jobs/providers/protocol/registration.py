"""Accounts at a CA (RFC 8555 section 7.3): a new key, the terms, and the binding to an account elsewhere."""

from __future__ import annotations

from typing import Any

from acme.messages import Directory as AcmeDirectory
from acme.messages import ExternalAccountBinding
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.b64 import b64decode
from josepy.jwk import JWKEC

from jobs.policy.failure import Failure
from jobs.policy.redirects import printable
from jobs.ports import AcmeAccount, Eab, Waits
from jobs.providers.protocol.directory import Directory
from jobs.providers.protocol.jws import Key
from jobs.providers.protocol.problem import Refused
from jobs.providers.protocol.wire import Wire, require_https


def register(
    wire: Wire, directory: Directory, contact: str | None, terms_agreed: bool, eab: Eab | None
) -> Waits[AcmeAccount]:
    """Make an account with a new ECDSA P-256 key.

    Raises Failure("terms_not_accepted"), Failure("eab_required"), Failure("eab_invalid"), or the CA's own.
    """
    if directory.terms_url and not terms_agreed:
        words = f"the CA's terms of service have to be accepted first: {directory.terms_url}"
        raise Failure("terms_not_accepted", words, permanent=True)
    if directory.eab_required and eab is None:
        words = "the CA wants an external account binding: a key id and an HMAC key from its website"
        raise Failure("eab_required", words, permanent=True)
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    payload: dict[str, Any] = {"termsOfServiceAgreed": True}
    if contact:
        payload["contact"] = [f"mailto:{contact}"]
    if eab is not None:
        payload["externalAccountBinding"] = _binding(private.public_key(), eab, directory)
    step = "registering an account"
    answer = yield from wire.post(directory.new_account, payload, Key(pem), None, directory.new_nonce, step)
    url = answer.headers.get("location")
    if not url:
        raise Failure("ca_not_acme", f"{step}: the CA answered without the account's address (HTTP {answer.status})")
    return AcmeAccount(require_https(url), pem, directory.terms_url)


def find(wire: Wire, directory: Directory, key: Key) -> Waits[str | None]:
    """The URL of the account that has this key (RFC 8555 section 7.3.1); None when there is none.

    Raises Failure("account_deactivated") for one that the CA takes no orders of any more, and the CA's own.
    """
    step, payload = "looking for the account", {"onlyReturnExisting": True}
    try:
        answer = yield from wire.post(directory.new_account, payload, key, None, directory.new_nonce, step)
    except Refused as refused:
        if refused.code == "account_gone":
            return None
        if refused.kind == "unauthorized":
            raise Failure("account_deactivated", refused.detail, permanent=True, of_provider=True) from refused
        raise
    url, status = answer.headers.get("location"), answer.json().get("status")
    if status in ("deactivated", "revoked"):
        words = f"{step}: the CA has {printable(str(url), 200)}, which is {status}"
        raise Failure("account_deactivated", words, permanent=True, of_provider=True)
    return None if url is None else require_https(url)


def _binding(public: ec.EllipticCurvePublicKey, eab: Eab, directory: Directory) -> dict[str, Any]:
    """The inner JWS. It holds the public key only: with the private one in hand, the library would send that."""
    try:
        b64decode(eab.hmac.rstrip("="))
    except ValueError as error:
        words = "the HMAC key: expected base64url text as the CA shows it"
        raise Failure("eab_invalid", words, permanent=True) from error
    named = AcmeDirectory({"newAccount": directory.new_account})
    return dict(ExternalAccountBinding.from_data(JWKEC(key=public), eab.kid, eab.hmac.rstrip("="), named))
