"""When a certificate is due. Everything is relative to its lifetime: 60 seconds and 398 days obey the same rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from jobs.policy.certificate import Certificate

SHORT_LIFETIME = timedelta(days=10)
DEFERRAL = timedelta(days=3)
EARLY = 50
"""A window is early whose point lies more than this part of the lifetime before the backstop."""

REVOKED_AFTER = timedelta(days=1)


def lifetime(certificate: Certificate) -> timedelta:
    return certificate.not_after - certificate.not_before


def backstop(certificate: Certificate) -> datetime:
    """When to renew whatever the CA says: 1/3 of the lifetime left, 1/2 if that is under 10 days."""
    whole = lifetime(certificate)
    return certificate.not_after - (whole / 2 if whole < SHORT_LIFETIME else whole / 3)


def due_at(certificate: Certificate) -> datetime:
    """When to renew: the earlier of the ARI point and the backstop. So a CA's "not yet" never counts for longer than
    the backstop, far less until 5 % of the lifetime are left. One that was revoked is due since then."""
    moments = (backstop(certificate), certificate.ari_point, certificate.revoked_at)
    return min(moment for moment in moments if moment is not None)


def is_due(certificate: Certificate, now: datetime) -> bool:
    return now >= due_at(certificate)


def by_window(certificate: Certificate) -> bool:
    """Whether the CA's renewal window makes it due before anything else does."""
    return certificate.ari_point == due_at(certificate) != backstop(certificate)


def asked_early(certificate: Certificate) -> bool:
    """Whether the CA wants it renewed clearly before its time, as CAs do before they revoke. Usual windows lie within a
    hundredth of the lifetime around the backstop."""
    point = certificate.ari_point
    return point is not None and point < backstop(certificate) - lifetime(certificate) / EARLY


def wanted_by(certificate: Certificate) -> datetime:
    """Until when a new one must stand: the expiry; a day after the CA's window where that is early, for a CA that asks
    so is about to revoke (Baseline Requirements 4.9.1.1: within 24 hours or 5 days)."""
    if certificate.ari_point is None or not asked_early(certificate):
        return certificate.not_after
    return min(certificate.not_after, certificate.ari_point + REVOKED_AFTER)


def urgency(certificate: Certificate) -> float:
    """Orders renewals, smaller first: by the day on which a new one must stand, and those of one day by expiry: when a
    CA asks for thousands at once, their points lie together."""
    return wanted_by(certificate).timestamp() // 86400 + certificate.not_after.timestamp() / 1e11


def claims_from(certificate: Certificate) -> datetime:
    """From when a renewal that shares a CA's limit with new certificates takes what there is before them: when half of
    the time between the backstop and the end is over. Nobody loses anything by a new certificate that waits; and many
    renewals of one registered domain (after a change of the CA, say) take weeks by a limit."""
    return certificate.not_after - (certificate.not_after - backstop(certificate)) / 2


def near_end(certificate: Certificate, usual: timedelta) -> datetime:
    """From when the end of a certificate is near: `usual` before it, 1/10 of the lifetime if that is shorter."""
    return certificate.not_after - min(usual, lifetime(certificate) / 10)


def deferral_ends(certificate: Certificate) -> datetime:
    """Until when coverage is not given up: 3 days before expiry, or 1/10 of the lifetime."""
    return near_end(certificate, DEFERRAL)
