"""What a certificate is and in which state: read, proven, judged. No file is opened here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Bundle:
    """A private key and its chain, PEM, leaf first."""

    privkey: bytes
    chain: tuple[bytes, ...]

    @property
    def leaf(self) -> bytes:
        return self.chain[0]

    @property
    def fullchain(self) -> bytes:
        return b"".join(self.chain)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The facts of one leaf certificate. Times are aware, UTC; `fingerprint` is SHA-256 in lower-case hex."""

    names: tuple[str, ...]
    serial: str
    fingerprint: str
    issuer: str
    not_before: datetime
    not_after: datetime
    self_signed: bool
    key_type: str
    weak: bool
    ari_point: datetime | None = None
    """When the CA would like it renewed (`jobs/policy/ari.py`), as far as it was asked."""
    revoked_at: datetime | None = None
    """Since when the CA's list has it, as far as that was looked at."""
    taken_from: str = ""
    """The program from which it was taken over (`autossl import`); empty: it was ordered here, or it is not ours."""


def issued_here(
    certificate: Certificate, keeper: str, known: frozenset[str], organizations: tuple[str, ...]
) -> bool:
    """Whether a certificate is *ours*: issued through this panel, or by one of its providers and in nobody's care.

    `keeper`: the other program in whose care it is, empty for none; `known`: fingerprints that this panel stored;
    `organizations`: issuer organizations of its providers.
    """
    if certificate.fingerprint in known:
        return True
    if keeper:
        return False
    return any(certificate.issuer.startswith(f"{organization}:") for organization in organizations)


_TEST_CAS = ("(staging)", "fake le", "happy hacker")


def of_test_ca(certificate: Certificate) -> bool:
    """Whether it is of a CA for trying things out, which no browser trusts, by the name of its issuer."""
    return any(hint in certificate.issuer.lower() for hint in _TEST_CAS)
