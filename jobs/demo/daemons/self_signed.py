"""Certificates that a fresh server has before anybody cared: self-signed, or signed by a small CA of its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def write(certificate: Path, key: Path, names: Sequence[str], days: int = 3650) -> None:
    """Write a pair of which the certificate is its own CA, for these host names or IP addresses; the key is 0600."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    start = datetime.now(UTC) - timedelta(hours=1)
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=private.public_key(),
        serial_number=x509.random_serial_number(), not_valid_before=start, not_valid_after=start + timedelta(days=days),
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([_general(text) for text in names]), False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    pem = serialization.Encoding.PEM
    for path in (certificate, key):
        path.parent.mkdir(parents=True, exist_ok=True)
    key.touch(0o600)
    key.write_bytes(private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    certificate.write_bytes(builder.sign(private, hashes.SHA256()).public_bytes(pem))


def _general(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
