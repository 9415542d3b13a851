"""Which kinds of key a certificate may have (behaviour section 5)."""

from __future__ import annotations

from enum import StrEnum


class KeyType(StrEnum):
    """ECDSA P-256 is the default: small, quick, accepted by every CA and client that matters."""

    ECDSA_P256 = "ecdsa-p256"
    ECDSA_P384 = "ecdsa-p384"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
