"""Step 3: what to do about a website, before any name is tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobs.policy.certificate import Certificate, of_test_ca
from jobs.policy.certificate_state import CertificateState, state_of
from jobs.policy.due import by_window, due_at, urgency
from jobs.policy.failure import LeftOff
from jobs.policy.foreign import FOREIGN_INVALID as FOREIGN_INVALID
from jobs.policy.foreign import few, foreign, utc
from jobs.policy.foreign import touchable as touchable
from jobs.policy.limits import NEAR
from jobs.policy.names import covers
from jobs.policy.site_facts import WEB_SERVICES as WEB_SERVICES
from jobs.policy.site_facts import Options as Options
from jobs.policy.site_facts import Presented as Presented
from jobs.policy.site_facts import SiteFacts as SiteFacts
from jobs.policy.site_facts import Wait as Wait


class Action(StrEnum):
    KEEP = "keep"
    INSTALL = "install only"
    ORDER = "order"
    LEAVE = "leave alone"
    DEFER = "defer"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Decision:
    """`urgency` orders the work, smaller first: new certificates, then renewals, see `due.py`."""

    action: Action
    code: str
    reason: str
    urgency: float = 0.0


def decide(facts: SiteFacts, now: datetime, options: Options) -> Decision:
    """keep | install only | order(why) | leave alone(why) for one website."""
    if not facts.wanted:
        return Decision(Action.LEAVE, "all_excluded", "every name is excluded")
    theirs = foreign(facts, now, options)
    if theirs:
        return Decision(Action.LEAVE, *theirs)
    unknown = _unknown(facts)
    if unknown:
        return Decision(Action.BLOCKED, "config_broken_before", unknown)
    wait = facts.waits.get("")
    if facts.ordered:
        late = facts.ordered_wait
        if late is not None and late > now and not options.forced:
            return Decision(Action.KEEP, "order_pending", f"an order is under way; it is asked for at {utc(late)}")
        return Decision(Action.ORDER, "order_pending", "an order is under way and is gone on with")
    why = why_order(facts, now, options)
    if why and wait and wait.until > now and not options.forced:
        if wait.code == NEAR:
            return Decision(Action.KEEP, NEAR, wait.text)
        return Decision(Action.KEEP, "backoff", f"{wait.text}; tries again at {utc(wait.until)}")
    if why:
        held = worth_keeping(facts, now, options)
        return Decision(Action.ORDER, *why, urgency(held) if held else 0.0)
    behind = services_behind(facts, now, options)
    if behind:
        words = f"the certificate is fine, but not on {', '.join(behind)}"
        return Decision(Action.INSTALL, "not_installed", words)
    if facts.stored is None:  # only while a backoff is running, which was answered above
        return Decision(Action.KEEP, "backoff", "there is no certificate of ours yet")
    fine = f"valid until {utc(facts.stored.not_after)}, due {utc(due_at(facts.stored))}"
    return Decision(Action.KEEP, "fine", fine)


def why_order(facts: SiteFacts, now: datetime, options: Options) -> tuple[str, str] | None:
    """(code, reason) for a new certificate, or None when the stored one will do for now."""
    stored = facts.stored
    if stored is None:
        return "no_certificate", "there is no certificate of ours yet"
    state = state_of(stored, facts.names, now)
    if state is CertificateState.EXPIRED:
        return "expired", f"the certificate expired at {utc(stored.not_after)}"
    if state is CertificateState.REVOKED:
        return "revoked", f"the CA has revoked the certificate, since {utc(stored.revoked_at or now)}"
    if state is CertificateState.WEAK:
        return "weak", f"its key ({stored.key_type}) is too weak"
    if state is CertificateState.WRONG:
        return "wrong", f"the certificate covers none of the website's names, but {few(stored.names)}"
    if options.trusted and of_test_ca(stored):
        return "test_certificate", f"the certificate is of a test CA ({stored.issuer}), and the provider is none"
    if state is CertificateState.DUE:
        by_whom = " by the CA's renewal window" if by_window(stored) else ""
        return "due", f"due{by_whom} since {utc(due_at(stored))}, expires at {utc(stored.not_after)}"
    missing = [
        name.fqdn for name in facts.wanted
        if (name.own or not stored.taken_from) and not covers(stored.names, name.fqdn)
        and not waiting(facts, name.fqdn, now, options)
    ]  # what was only guessed is no reason to order anew what was taken over: it is tried at the renewal
    if missing:
        return "names_missing", f"not covered yet: {', '.join(missing)}"
    return None


def worth_keeping(facts: SiteFacts, now: datetime, options: Options) -> Certificate | None:
    """The stored certificate, if a client would accept it for at least one name of the website."""
    stored = facts.stored
    if stored is None or (options.trusted and of_test_ca(stored)):
        return None
    return stored if state_of(stored, facts.names, now).useful else None


def waiting(facts: SiteFacts, name: str, now: datetime, options: Options) -> LeftOff | None:
    """The stored reason of a name that is not tried before its backoff is over."""
    wait = facts.waits.get(name)
    if wait is None or wait.until <= now or options.forced:
        return None
    return LeftOff(name, wait.code, wait.text)


def services_behind(facts: SiteFacts, now: datetime, options: Options) -> tuple[str, ...]:
    """Services that do not present the stored certificate through our link, and may be touched now."""
    behind = []
    for service, presented in facts.presented.items():
        late = facts.service_waits.get(service)
        if late is not None and late > now and not options.forced:
            continue
        names = facts.stored.names if facts.stored else ()
        if presented is not None and not touchable(facts, service, now, options, names):
            continue
        if late is not None or not _up_to_date(presented, facts.stored):
            behind.append(service)
    return tuple(behind)


def _up_to_date(presented: Presented | None, stored: Certificate | None) -> bool:
    if presented is None or not presented.linked or presented.certificate is None or stored is None:
        return False
    return presented.certificate.fingerprint == stored.fingerprint


def presents_stored(facts: SiteFacts, service: str) -> bool:
    """Whether a service presents the stored certificate of the website."""
    return _up_to_date(facts.presented.get(service), facts.stored)


def _unknown(facts: SiteFacts) -> str:
    """Why nothing is ordered for a website whose certificate nobody can see now: it may be somebody else's. One that
    has a certificate of ours is renewed all the same, for its other services."""
    for service in WEB_SERVICES:
        presented = facts.presented.get(service)
        if presented is not None and presented.unknown and facts.stored is None:
            return f"{service} can't be asked which certificate the website has, so none is ordered: {presented.detail}"
    return ""
