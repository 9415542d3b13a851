"""Certificates of somebody else's on a website: which of them are left alone, and what is said of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from jobs.policy.certificate_state import CertificateState, state_of
from jobs.policy.due import near_end
from jobs.policy.names import covers
from jobs.policy.site_facts import WEB_SERVICES, Options, Presented, SiteFacts

FOREIGN_LEFT = timedelta(days=3)
"""A foreign certificate with no more than this left, or a tenth of its lifetime, may be replaced, if the administrator
allows it: whoever looks after it would have renewed it before."""

FOREIGN_INVALID = "foreign_invalid"
"""The code for a certificate of somebody else's that is of no use, and that nobody may replace."""
_SHOWN = 3


def foreign(facts: SiteFacts, now: datetime, options: Options) -> tuple[str, str] | None:
    """(code, reason) when the website's own certificate is somebody else's business."""
    for service in WEB_SERVICES:
        presented = facts.presented.get(service)
        if presented is not None and untouchable(facts, presented, now, options):
            return _foreign_words(facts, service, presented, now)
    return None


def _foreign_words(facts: SiteFacts, service: str, presented: Presented, now: datetime) -> tuple[str, str]:
    certificate = presented.certificate
    allow = "it is replaced only if the administrator allows that, for this website or for all"
    if certificate is None:
        words = f"{service} names a certificate of somebody else that can't be read: {presented.detail}"
        return FOREIGN_INVALID, f"{words}; {allow}"
    by = f" (managed by {presented.keeper})" if presented.keeper else ""
    words = f"{service} presents a certificate of {certificate.issuer}{by}"
    state = state_of(certificate, _names_of(facts), now)
    if state is CertificateState.EXPIRED:
        return FOREIGN_INVALID, f"{words} that expired at {utc(certificate.not_after)}; {allow}"
    if state is CertificateState.REVOKED:
        return FOREIGN_INVALID, f"{words} that its CA has revoked, since {utc(certificate.revoked_at or now)}; {allow}"
    if state is CertificateState.WEAK:
        return FOREIGN_INVALID, f"{words} whose key ({certificate.key_type}) is too weak; {allow}"
    if state is CertificateState.WRONG:
        return FOREIGN_INVALID, f"{words} for {few(certificate.names)}, none of which is this website's; {allow}"
    words = f"{words}, valid until {utc(certificate.not_after)}"
    if now >= near_end(certificate, FOREIGN_LEFT):
        return FOREIGN_INVALID, f"{words}; {allow}"
    missing = [name.fqdn for name in facts.wanted if name.own and not covers(certificate.names, name.fqdn)]
    return "foreign_certificate", f"{words}; it does not cover {', '.join(missing)}" if missing else words


def untouchable(facts: SiteFacts, presented: Presented, now: datetime, options: Options) -> bool:
    """Foreign: never while valid, unless this website was given over; of no use or about to expire only if the
    administrator allows it."""
    if presented.linked or presented.ours or facts.takeover:
        return False
    certificate = presented.certificate
    if certificate is None:
        return presented.unreadable and not options.replace_foreign
    state = state_of(certificate, _names_of(facts), now)
    if state is CertificateState.SELF_SIGNED:
        return False
    ends = now >= near_end(certificate, FOREIGN_LEFT)
    return not ((ends or not state.useful) and options.replace_foreign)


def _names_of(facts: SiteFacts) -> tuple[str, ...]:
    """Every name by which the website may be reached."""
    return (*facts.website.names, *facts.names, *(name.fqdn for name in facts.elsewhere))


def touchable(
    facts: SiteFacts, service: str, now: datetime, options: Options, names: Collection[str] | None = None
) -> bool:
    """Whether a new certificate may be installed on a service of the website. `names`: those on it, once it is there.
    """
    presented = facts.presented.get(service)
    if presented is None:
        return True
    loses = names is not None and bool(_lost(facts, presented, names, now))
    return not loses and not untouchable(facts, presented, now, options)


def would_lose(facts: SiteFacts, names: Collection[str], now: datetime) -> tuple[str, ...]:
    """Wanted names that a good certificate of somebody else's secures at a web server, and that one for `names` in its
    place would not: a website that was given over must not lose what it has."""
    shown = (facts.presented.get(service) for service in WEB_SERVICES)
    lost = [name for one in shown if one is not None for name in _lost(facts, one, names, now)]
    return tuple(dict.fromkeys(lost))


def _lost(facts: SiteFacts, presented: Presented, names: Collection[str], now: datetime) -> tuple[str, ...]:
    if presented.linked or presented.ours or presented.certificate is None or not facts.takeover:
        return ()
    certificate = presented.certificate
    wanted = (*facts.names, *(name.fqdn for name in facts.elsewhere))
    useful = state_of(certificate, wanted, now).useful and now < near_end(certificate, FOREIGN_LEFT)
    return tuple(name for name in wanted if useful and covers(certificate.names, name) and not covers(names, name))


def few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "nobody") + more


def utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
