"""Step 3: what to do about a website, before any name is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.policy.certificate import Certificate
from jobs.policy.certificate_state import CertificateState, state_of
from jobs.policy.due import by_window, due_at, near_end, urgency
from jobs.policy.failure import LeftOff
from jobs.policy.limits import NEAR
from jobs.policy.names import covers
from jobs.policy.site import WantedName, Website
from jobs.policy.verdict import Verdict

FOREIGN_LEFT = timedelta(days=3)
"""A foreign certificate with no more than this left, or a tenth of its lifetime, may be replaced, if the administrator
allows it: whoever looks after it would have renewed it before."""

WEB_SERVICES = ("apache", "nginx")
FOREIGN_INVALID = "foreign_invalid"
"""The code for a certificate of somebody else's that is of no use, and that nobody may replace."""
_SHOWN = 3


class Action(StrEnum):
    KEEP = "keep"
    INSTALL = "install only"
    ORDER = "order"
    LEAVE = "leave alone"
    DEFER = "defer"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Presented:
    """What a service's configuration presents for the website. `linked`: it reads through our link;
    `ours`: the certificate was issued here; `unreadable`: a file is named that can't be read; `unknown`: the
    service's configuration itself can't be read, so nobody knows what it presents."""

    certificate: Certificate | None
    linked: bool = False
    ours: bool = False
    unreadable: bool = False
    detail: str = ""
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """A problem whose next automatic try lies in the future."""

    until: datetime
    code: str
    text: str


@dataclass(frozen=True)
class SiteFacts:
    """What is known of a website. `presented` has a key for every service that concerns it; None: nothing is
    configured there. `waits`: names (the empty one: the website) whose backoff may not be over.
    `service_waits`: the same per service; `stopped`: those of them that wait only because the service is not running.
    `under_way`: the names of an order that is, which is not asked for again before `ordered_wait`, with how each is
    validated in it.
    `ordered_at`: the provider that has it, by its name here. `parked`: an order waits for a limit of the CA instead.
    `elsewhere`: wanted names that the website's parts have (see `split.py`), which `several` can present: services
    that hold several certificates a website. `barred`: domains below which no wildcard may be had, and why."""

    website: Website
    wanted: tuple[WantedName, ...]
    stored: Certificate | None = None
    presented: Mapping[str, Presented | None] = field(default_factory=dict)
    waits: Mapping[str, Wait] = field(default_factory=dict)
    service_waits: Mapping[str, datetime] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()
    ordered_wait: datetime | None = None
    ordered_at: str = ""
    parked: bool = False
    under_way: Mapping[str, Verdict] = field(default_factory=dict)
    main_domain: str = ""
    elsewhere: tuple[WantedName, ...] = ()
    several: tuple[str, ...] = ()
    barred: Mapping[str, str] = field(default_factory=dict)

    @property
    def ordered(self) -> tuple[str, ...]:
        """The names of an order that is under way."""
        return tuple(self.under_way)

    @property
    def names(self) -> tuple[str, ...]:
        """The wanted names as texts."""
        return tuple(name.fqdn for name in self.wanted)


@dataclass(frozen=True, slots=True)
class Options:
    """`forced`: a person asks, so no backoff counts."""

    replace_foreign: bool = False
    forced: bool = False


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
    foreign = _foreign(facts, now, options)
    if foreign:
        return Decision(Action.LEAVE, *foreign)
    unknown = _unknown(facts)
    if unknown:
        return Decision(Action.BLOCKED, "config_broken_before", unknown)
    wait = facts.waits.get("")
    if facts.ordered:
        late = facts.ordered_wait
        if late is not None and late > now and not options.forced:
            return Decision(Action.KEEP, "order_pending", f"an order is under way; it is asked for at {_utc(late)}")
        return Decision(Action.ORDER, "order_pending", "an order is under way and is gone on with")
    why = why_order(facts, now, options)
    if why and wait and wait.until > now and not options.forced:
        if wait.code == NEAR:
            return Decision(Action.KEEP, NEAR, wait.text)
        return Decision(Action.KEEP, "backoff", f"{wait.text}; tries again at {_utc(wait.until)}")
    if why:
        useful = facts.stored is not None and state_of(facts.stored, facts.names, now).useful
        return Decision(Action.ORDER, *why, urgency(facts.stored) if facts.stored and useful else 0.0)
    behind = services_behind(facts, now, options)
    if behind:
        words = f"the certificate is fine, but not on {', '.join(behind)}"
        return Decision(Action.INSTALL, "not_installed", words)
    if facts.stored is None:  # only while a backoff is running, which was answered above
        return Decision(Action.KEEP, "backoff", "there is no certificate of ours yet")
    fine = f"valid until {_utc(facts.stored.not_after)}, due {_utc(due_at(facts.stored))}"
    return Decision(Action.KEEP, "fine", fine)


def why_order(facts: SiteFacts, now: datetime, options: Options) -> tuple[str, str] | None:
    """(code, reason) for a new certificate, or None when the stored one will do for now."""
    stored = facts.stored
    if stored is None:
        return "no_certificate", "there is no certificate of ours yet"
    state = state_of(stored, facts.names, now)
    if state is CertificateState.EXPIRED:
        return "expired", f"the certificate expired at {_utc(stored.not_after)}"
    if state is CertificateState.REVOKED:
        return "revoked", f"the CA has revoked the certificate, since {_utc(stored.revoked_at or now)}"
    if state is CertificateState.WEAK:
        return "weak", f"its key ({stored.key_type}) is too weak"
    if state is CertificateState.WRONG:
        return "wrong", f"the certificate covers none of the website's names, but {_few(stored.names)}"
    if state is CertificateState.DUE:
        by_whom = " by the CA's renewal window" if by_window(stored) else ""
        return "due", f"due{by_whom} since {_utc(due_at(stored))}, expires at {_utc(stored.not_after)}"
    missing = [
        name for name in facts.names if not covers(stored.names, name) and not waiting(facts, name, now, options)
    ]
    if missing:
        return "names_missing", f"not covered yet: {', '.join(missing)}"
    return None


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
        if presented is not None and _untouchable(facts, presented, now, options):
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


def touchable(facts: SiteFacts, service: str, now: datetime, options: Options) -> bool:
    """Whether a new certificate may be installed on a service of the website."""
    presented = facts.presented.get(service)
    return presented is None or not _untouchable(facts, presented, now, options)


def _foreign(facts: SiteFacts, now: datetime, options: Options) -> tuple[str, str] | None:
    """(code, reason) when the website's own certificate is somebody else's business."""
    for service in WEB_SERVICES:
        presented = facts.presented.get(service)
        if presented is not None and _untouchable(facts, presented, now, options):
            return _foreign_words(facts, service, presented, now)
    return None


def _foreign_words(facts: SiteFacts, service: str, presented: Presented, now: datetime) -> tuple[str, str]:
    certificate = presented.certificate
    allow = "it is replaced only if the administrator allows that"
    if certificate is None:
        words = f"{service} names a certificate of somebody else that can't be read: {presented.detail}"
        return FOREIGN_INVALID, f"{words}; {allow}"
    words = f"{service} presents a certificate of {certificate.issuer}"
    state = state_of(certificate, _names_of(facts), now)
    if state is CertificateState.EXPIRED:
        return FOREIGN_INVALID, f"{words} that expired at {_utc(certificate.not_after)}; {allow}"
    if state is CertificateState.REVOKED:
        return FOREIGN_INVALID, f"{words} that its CA has revoked, since {_utc(certificate.revoked_at or now)}; {allow}"
    if state is CertificateState.WEAK:
        return FOREIGN_INVALID, f"{words} whose key ({certificate.key_type}) is too weak; {allow}"
    if state is CertificateState.WRONG:
        return FOREIGN_INVALID, f"{words} for {_few(certificate.names)}, none of which is this website's; {allow}"
    words = f"{words}, valid until {_utc(certificate.not_after)}"
    if now >= near_end(certificate, FOREIGN_LEFT):
        return FOREIGN_INVALID, f"{words}; {allow}"
    missing = [name.fqdn for name in facts.wanted if name.own and not covers(certificate.names, name.fqdn)]
    return "foreign_certificate", f"{words}; it does not cover {', '.join(missing)}" if missing else words


def _unknown(facts: SiteFacts) -> str:
    """Why nothing is ordered for a website whose certificate nobody can see now: it may be somebody else's. One that
    has a certificate of ours is renewed all the same, for its other services."""
    for service in WEB_SERVICES:
        presented = facts.presented.get(service)
        if presented is not None and presented.unknown and facts.stored is None:
            return f"{service} can't be asked which certificate the website has, so none is ordered: {presented.detail}"
    return ""


def _untouchable(facts: SiteFacts, presented: Presented, now: datetime, options: Options) -> bool:
    """Foreign: never while valid; of no use or about to expire only if the administrator allows it."""
    if presented.linked or presented.ours:
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


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "nobody") + more


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
