"""In which state a certificate is, for one website (behaviour section 3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from jobs.policy.certificate import Certificate
from jobs.policy.due import is_due
from jobs.policy.names import covers


class CertificateState(StrEnum):
    """The worst thing that can be said of it. Without one there is `none`; of a file that holds no certificate nothing
    can be said but `unreadable`."""

    NONE = "none"
    UNREADABLE = "unreadable"
    SELF_SIGNED = "self-signed"
    EXPIRED = "expired"
    REVOKED = "revoked"
    WEAK = "weak"
    WRONG = "wrong"
    DUE = "due"
    PARTIAL = "partial"
    FINE = "fine"

    @property
    def useful(self) -> bool:
        """Whether a client would accept it for at least one name of the website."""
        return self in (CertificateState.DUE, CertificateState.PARTIAL, CertificateState.FINE)


def state_of(
    certificate: Certificate | None, names: Collection[str], now: datetime, *, unreadable: bool = False
) -> CertificateState:
    """`names`: those that it should cover. `wrong` is one that covers none of them; whether it belongs to its key is
    proven where the key is: before it is stored, and at every check of what is stored."""
    if certificate is None:
        return CertificateState.UNREADABLE if unreadable else CertificateState.NONE
    if certificate.self_signed:
        return CertificateState.SELF_SIGNED
    if certificate.not_after <= now:
        return CertificateState.EXPIRED
    if certificate.revoked_at is not None:
        return CertificateState.REVOKED
    if certificate.weak:
        return CertificateState.WEAK
    covered = [name for name in names if covers(certificate.names, name)]
    if names and not covered:
        return CertificateState.WRONG
    if is_due(certificate, now):
        return CertificateState.DUE
    return CertificateState.FINE if len(covered) == len(names) else CertificateState.PARTIAL
