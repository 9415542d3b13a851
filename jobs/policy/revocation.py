"""What a CA's list of revoked certificates (RFC 5280 section 5) says, and where it lies. Nothing is fetched here.

A list counts only if the issuer in the certificate's own chain has signed it, so that nobody on the way can make us
order anew, or keep silent about more than what an older list did not know either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from jobs.policy.failure import Failure
from jobs.policy.plain_url import is_plain
from jobs.policy.proof import ODD, parse

EVERY = timedelta(days=1)
"""Between two looks at one list."""

AGAIN = timedelta(hours=6)
"""After a list that could not be had, or not be believed."""

LONGEST_URL = 500


def list_of(chain: Sequence[bytes]) -> tuple[str, bytes] | None:
    """(the URL of the list, the PEM of the issuer by whom it must be signed) for a chain, PEM, leaf first; None where
    the leaf names none that can be fetched by http, or its issuer is not in the chain. Raises Failure("unreadable")."""
    leaf = parse(chain[0])
    url = next(_urls(leaf), None)
    if url is None:
        return None
    for pem in chain[1:]:
        try:
            leaf.verify_directly_issued_by(parse(pem))
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, Failure):
            continue
        return url, pem
    return None


def revoked(content: bytes, issuer: bytes, serials: Collection[int], now: datetime) -> dict[int, datetime]:
    """Which of these serial numbers a list (DER) has, each with the time since when, at the latest now. `issuer`: PEM.

    Raises Failure("crl_unusable") for a list that is none, or is not this issuer's.
    """
    try:
        found = x509.load_der_x509_crl(content)
        ca = parse(issuer)
        own = found.issuer == ca.subject and found.is_signature_valid(ca.public_key())  # type: ignore[arg-type]
    except ODD as error:
        raise Failure("crl_unusable", f"expected a list of revoked certificates: {error}") from error
    if not own:
        raise Failure("crl_unusable", f"expected a list signed by {ca.subject.rfc4514_string()[:200]!r}, got another's")
    wanted = frozenset(serials)
    try:
        hits = [entry for entry in found if entry.serial_number in wanted and not _lifted(entry)]
        return {entry.serial_number: min(entry.revocation_date_utc, now) for entry in hits}
    except ODD as error:
        raise Failure("crl_unusable", f"an entry of the list can't be read: {error}") from error


def _lifted(entry: x509.RevokedCertificate) -> bool:
    """Only in lists of changes: the certificate is not revoked any more."""
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return False
    return reason is x509.ReasonFlags.remove_from_crl


def _urls(leaf: x509.Certificate) -> Iterator[str]:
    """Lists are signed, so that they are published by http, and by ldap, which nobody asks any more."""
    try:
        points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, *ODD):
        return
    for point in points:
        for name in point.full_name or ():
            if isinstance(name, x509.UniformResourceIdentifier) and not point.crl_issuer and fetchable(name.value):
                yield name.value


def fetchable(url: str) -> bool:
    """Whether a URL is one of http, and plain."""
    return is_plain(url, ("http",), LONGEST_URL)
