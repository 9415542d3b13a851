"""When a certificate is due. Everything is relative to its lifetime: 60 seconds and 398 days obey the same rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from jobs.policy.certificate import Certificate

SHORT_LIFETIME = timedelta(days=10)
DEFERRAL = timedelta(days=3)


def lifetime(certificate: Certificate) -> timedelta:
    return certificate.not_after - certificate.not_before


def due_at(certificate: Certificate, ari_point: datetime | None = None) -> datetime:
    """When to renew: the earlier of the ARI point and the backstop (1/3 of the lifetime left, 1/2 under 10 days)."""
    whole = lifetime(certificate)
    left = whole / 2 if whole < SHORT_LIFETIME else whole / 3
    backstop = certificate.not_after - left
    return backstop if ari_point is None else min(ari_point, backstop)


def is_due(certificate: Certificate, now: datetime, ari_point: datetime | None = None) -> bool:
    return now >= due_at(certificate, ari_point)


def deferral_ends(certificate: Certificate) -> datetime:
    """Until when coverage is not given up: 3 days before expiry, 1/10 of the lifetime if that is shorter."""
    return certificate.not_after - min(DEFERRAL, lifetime(certificate) / 10)
