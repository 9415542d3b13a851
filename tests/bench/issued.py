"""Whether certificates are really there: each of its website's names, valid now, and of the CA that was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature


def missing(sites: Mapping[str, Sequence[str]], chains: Mapping[str, str], root: str) -> list[str]:
    """What is wrong, in a sentence for each website of which something is. `sites`: names by website; `chains`: PEM,
    leaf first, by website; `root`: PEM of what they must end in."""
    end, now = x509.load_pem_x509_certificate(root.encode()), datetime.now(UTC)
    troubles = {site: _trouble(names, chains.get(site, ""), end, now) for site, names in sites.items()}
    return [f"{site}: {trouble}" for site, trouble in troubles.items() if trouble]


def _trouble(names: Sequence[str], chain: str, root: x509.Certificate, now: datetime) -> str:
    if not chain:
        return "there is no certificate"
    certificates = [*x509.load_pem_x509_certificates(chain.encode()), root]
    leaf = certificates[0]
    covered = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if set(covered.get_values_for_type(x509.DNSName)) != set(names):
        return f"expected a certificate of {', '.join(names)}, got {covered}"
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        return f"valid from {leaf.not_valid_before_utc} to {leaf.not_valid_after_utc}"
    for certificate, issuer in pairwise(certificates):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (InvalidSignature, TypeError, ValueError) as error:
            return f"not of the CA that was asked: {error!r}"
    return ""
