"""Makes private keys. A new one for each certificate; the account's key is never one of them."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jobs.policy.keys import KeyType


def new_key(key_type: KeyType) -> bytes:
    """A new private key as unencrypted PKCS #8 PEM."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if key_type is KeyType.ECDSA_P256:
        key = ec.generate_private_key(ec.SECP256R1())
    elif key_type is KeyType.ECDSA_P384:
        key = ec.generate_private_key(ec.SECP384R1())
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=int(key_type.value.removeprefix("rsa-")))
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
