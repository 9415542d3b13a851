"""A CA as public ones are: a root, an intermediate, and leaves with every extension that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jobs.policy.certificate import Bundle
from tests.fakes import NOW, pem


class Authority:
    """`now`: when all of it begins. `key`: of the intermediate, if it is not to be one of ECDSA P-256."""

    def __init__(self, name: str, now: datetime = NOW, key: Any = None) -> None:
        self._now = now - timedelta(hours=1)
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._root = self._made(f"{name} Root", self._root_key, None, self._root_key, True)
        self._intermediate = self._made(f"{name} CA", self._key, self._root, self._root_key, True)
        self.root = pem(self._root)

    def bundle(self, names: Sequence[str], key: Any = None) -> Bundle:
        """`key`: of the leaf, if it is not to be a new one of ECDSA P-256."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        leaf = self._made("", key, self._intermediate, self._key, False, names)
        return Bundle(private(key), (pem(leaf), pem(self._intermediate), self.root))

    def signed_by_a_leaf(self, names: Sequence[str]) -> Bundle:
        """As whoever has a certificate of this CA may make it."""
        between, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        mine = self._made("mine", between, self._intermediate, self._key, False, ["mine.test"])
        leaf = self._made("", key, mine, between, False, names)
        return Bundle(private(key), (pem(leaf), pem(mine), pem(self._intermediate)))

    def _made(
        self, name: str, key: Any, issuer: x509.Certificate | None, signer: Any, ca: bool, names: Sequence[str] = ()
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
        usage = {one: False for one in ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                                        "encipher_only", "decipher_only")}
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(self._now).not_valid_after(self._now + timedelta(days=3650 if ca else 90))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage),
            critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if names:
            alternative = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(alternative, critical=not name).add_extension(purpose, critical=False)
        return builder.sign(signer, hashes.SHA256())


def private(key: Any) -> bytes:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made: bytes = key.private_bytes(*form)
    return made
