"""The request for a certificate that finalizes an order (RFC 8555 section 7.4)."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from jobs.ports import OrderRequest


def signing_request(request: OrderRequest) -> bytes:
    """PKCS #10 in DER with the names in SAN and an empty subject; no key usage, which CAs refuse or ignore."""
    key: Any = load_pem_private_key(request.privkey, password=None)
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in request.names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
