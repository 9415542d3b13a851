"""Whether a certificate and a key that a configuration names belong together, judged from what the files hold.

Apache's configuration test passes over a pair that doesn't match and over a torn file, and the server then ends at its
next reload. A file that can't be judged (a key with a passphrase, an odd format) is not taken for wrong.
"""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

_CERTIFICATE = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----.+?-----END (?:TRUSTED |X509 )?CERTIFICATE-----\n?", re.DOTALL
)
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----\n?", re.DOTALL)


def first_key(pem: bytes) -> bytes:
    """The first private key of a PEM file, without what stands around it; all of it where there is none."""
    found = _KEY.search(pem)
    return found[0] if found else pem


def pair_trouble(certificate: bytes, key: bytes) -> str:
    """What is wrong with the first certificate and the first key of these PEM files; empty when nothing is known."""
    leaf, private = _CERTIFICATE.search(certificate), _KEY.search(key)
    if leaf is None:
        return "the certificate file holds no whole certificate"
    if private is None:
        return "the key file holds no whole private key"
    try:
        public = x509.load_pem_x509_certificate(leaf[0]).public_key()
        own = serialization.load_pem_private_key(private[0], None, unsafe_skip_rsa_key_validation=True).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return ""
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "" if public.public_bytes(*form) == own.public_bytes(*form) else "the key is not that of the certificate"
