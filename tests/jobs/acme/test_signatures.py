"""What we sign is what an independent library takes for a JWS of ACME, for each kind of account key."""

from __future__ import annotations

import json

import pytest
from acme.jws import JWS
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy.jwk import JWK

from jobs.policy.failure import Failure
from jobs.providers.protocol.jws import Key, signed

URL = "https://ca.example/new-order"
KEYS = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
}


def pem(algorithm: str) -> bytes:
    """A new key each time."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KEYS[algorithm]().private_bytes(*form)


@pytest.mark.parametrize("algorithm", KEYS)
def test_every_signature_is_taken_by_the_account_key_and_by_no_other(algorithm: str) -> None:
    key, other = pem(algorithm), JWK.load(pem(algorithm)).public_key()
    own = JWK.load(key).public_key()
    for number in range(50):  # a half of an ECDSA signature is sometimes shorter, and has to be filled up
        payload = json.dumps({"number": number}).encode()
        body = JWS.json_loads(signed(URL, payload, Key(key), "https://ca.example/acct/1", "bm9uY2U"))
        header = body.signature.combined
        assert body.verify(key=own) and not body.verify(key=other) and body.payload == payload
        assert (header.alg.name, header.kid, header.url, header.nonce) == (
            algorithm, "https://ca.example/acct/1", URL, b"nonce"
        )


@pytest.mark.parametrize("algorithm", KEYS)
def test_before_there_is_an_account_the_key_itself_stands_there(algorithm: str) -> None:
    key = pem(algorithm)
    body = JWS.json_loads(signed(URL, b"{}", Key(key), None, "bm9uY2U"))
    assert body.signature.combined.kid is None
    assert body.signature.combined.jwk == JWK.load(key).public_key() and body.verify()


@pytest.mark.parametrize("nonce", ["", "a b", "a\r\nX: y", "\u00e9", 'a"b', "a=", "a+b"])
def test_a_nonce_that_is_none_is_not_signed(nonce: str) -> None:
    with pytest.raises(Failure) as caught:
        signed(URL, b"", Key(pem("ES256")), None, nonce)
    assert caught.value.code == "ca_not_acme"
