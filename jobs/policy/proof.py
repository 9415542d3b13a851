"""Reads certificates and proves a pair before anything moves: the daemons' own tests do not.

Apache's and Dovecot's configuration tests pass with a key that does not match, and the server then dies; so
what this module refuses never reaches them. The common name is never looked at: the SAN decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from jobs.policy.certificate import Bundle, Certificate, of_test_ca
from jobs.policy.failure import Failure

SKEW = timedelta(minutes=5)
"""A CA's clock may be ahead of ours by this much."""

WEAK_RSA_BITS = 2048
ODD = (
    ValueError, TypeError, UnsupportedAlgorithm,
    x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType,
)
"""What the library raises for certificates and lists that can't be taken apart; these have no class in common."""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\r?\n?")
_CURVES = {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384"}


def split_pem(pem: bytes) -> tuple[bytes, ...]:
    """Each certificate of a PEM text, in order, every one ending with a newline."""
    return tuple(found.rstrip() + b"\n" for found in _PEM.findall(pem))


def parse(pem: bytes) -> x509.Certificate:
    """The first certificate in `pem`. Raises Failure("unreadable")."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ODD as error:
        raise Failure("unreadable", f"a certificate: {error}") from error


def read_certificate(pem: bytes) -> Certificate:
    """The facts of the first certificate in `pem`. Raises Failure("unreadable")."""
    return describe(parse(pem))


def read_der(der: bytes) -> Certificate:
    """The facts of a certificate as a handshake shows it. Raises Failure("unreadable")."""
    try:
        return describe(x509.load_der_x509_certificate(der))
    except ODD as error:
        raise Failure("unreadable", f"the served certificate: {error}") from error


def describe(certificate: x509.Certificate) -> Certificate:
    """Facts for decisions and for people. Raises Failure("unreadable") where a field can't be decoded."""
    try:
        public = certificate.public_key()
        return Certificate(
            names=_names(certificate),
            serial=f"{certificate.serial_number:x}",
            fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
            issuer=_issuer(certificate),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            self_signed=_self_signed(certificate),
            key_type=_key_type(public),
            weak=isinstance(public, rsa.RSAPublicKey) and public.key_size < WEAK_RSA_BITS,
        )
    except ODD as error:
        raise Failure("unreadable", f"a certificate: {error}") from error


def prove(bundle: Bundle, names: Collection[str], now: datetime, *, allow_test: bool = True) -> Certificate:
    """Prove that `bundle` may be installed for `names`; returns the leaf's facts.

    Raises Failure with the code of the first thing that is wrong: certificate_no_san, certificate_wrong_names,
    certificate_key_mismatch, certificate_expired, certificate_not_yet_valid, certificate_chain_broken,
    certificate_weak_key, certificate_test_issuer (unless `allow_test`), unreadable.
    """
    if not bundle.chain:
        raise Failure("certificate_chain_broken", "the bundle: expected a certificate, got none")
    chain = [parse(pem) for pem in bundle.chain]
    leaf = describe(chain[0])
    _prove_names(leaf, names)
    _prove_key(chain[0], bundle.privkey)
    _prove_dates(leaf, now)
    _prove_chain(chain, now)
    if leaf.weak:
        words = f"{leaf.key_type}: expected RSA of {WEAK_RSA_BITS} bits or more, or ECDSA"
        raise Failure("certificate_weak_key", words)
    if not allow_test and of_test_ca(leaf):
        words = f"issuer {leaf.issuer!r} is a test CA that browsers do not trust"
        raise Failure("certificate_test_issuer", words, permanent=True)
    return leaf


def _prove_names(leaf: Certificate, names: Collection[str]) -> None:
    if not leaf.names:
        raise Failure("certificate_no_san", "the certificate names nobody: it has no DNS name in subjectAltName")
    missing, more = sorted(set(names) - set(leaf.names)), sorted(set(leaf.names) - set(names))
    if missing or more:
        expected, got = ", ".join(sorted(names)), ", ".join(sorted(leaf.names))
        raise Failure("certificate_wrong_names", f"the certificate's names: expected {expected}; got {got}")


def _prove_key(leaf: x509.Certificate, privkey: bytes) -> None:
    try:
        private = serialization.load_pem_private_key(privkey, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Failure("unreadable", f"the private key: {error}") from error
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise Failure("certificate_key_mismatch", "the certificate was made for another key than the one we hold")


def _prove_dates(leaf: Certificate, now: datetime) -> None:
    if leaf.not_after <= now:
        words = f"expected a certificate valid now ({now}), got one until {leaf.not_after}"
        raise Failure("certificate_expired", words)
    if leaf.not_before > now + SKEW:
        words = f"expected a certificate valid now ({now}), got one from {leaf.not_before}; is this clock right?"
        raise Failure("certificate_not_yet_valid", words)


def _prove_chain(chain: Sequence[x509.Certificate], now: datetime) -> None:
    """Each certificate is signed by the next one, which is a CA and valid; any number of intermediates."""
    for number, (child, parent) in enumerate(pairwise(chain), start=1):
        try:
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
            why = str(error) or "the signature does not match"
            words = f"certificate {number} of {len(chain)} is not signed by the one that follows it: {why}"
            raise Failure("certificate_chain_broken", words) from error
        if not _is_ca(parent):
            words = f"certificate {number + 1} of {len(chain)} stands as an issuer, but it is not a CA"
            raise Failure("certificate_chain_broken", words)
        if parent.not_valid_after_utc <= now:
            words = f"certificate {number + 1} of {len(chain)} expired at {parent.not_valid_after_utc}"
            raise Failure("certificate_chain_broken", words)


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(dict.fromkeys(name.lower() for name in san.get_values_for_type(x509.DNSName)))


def _issuer(certificate: x509.Certificate) -> str:
    """`Organization: common name`, whichever there is."""
    wanted = (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME)
    parts = [str(entry.value) for oid in wanted for entry in certificate.issuer.get_attributes_for_oid(oid)]
    return ": ".join(parts) or certificate.issuer.rfc4514_string()


def _self_signed(certificate: x509.Certificate) -> bool:
    """Issued to itself by itself; an empty subject and issuer alone say nothing, the signature does."""
    if certificate.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _key_type(public: PublicKeyTypes) -> str:
    if isinstance(public, rsa.RSAPublicKey):
        return f"rsa-{public.key_size}"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _CURVES.get(public.curve.name, f"ecdsa-{public.curve.name}")
    return type(public).__name__.lower()


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *ODD):
        return False
