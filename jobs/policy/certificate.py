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
