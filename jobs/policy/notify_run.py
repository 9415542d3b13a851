"""What a check has to tell: events of its outcomes, and what it found to be over.

A hiccup at night is nobody's mail: what fails is told once the first try and the quick ones after it (1, 10 and 100
minutes, `retry.py`) have failed, about two hours, that is when only daily tries are left; at once when only a person
can change it, or when a tenth of the certificate's lifetime, or less, is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jobs.policy.certificate import Certificate
from jobs.policy.decision import FOREIGN_INVALID, Action
from jobs.policy.due import lifetime
from jobs.policy.failure import LeftOff
from jobs.policy.fallback import DOWN
from jobs.policy.limits import NEAR
from jobs.policy.names import covers
from jobs.policy.notify import Event, Kind
from jobs.policy.problems import Severity, problem
from jobs.policy.retry import STEPS

TERMS_CHANGED = "terms_changed"
_OF_THE_PROVIDER = DOWN | {
    "account_deactivated", "account_gone", "account_key_missing", "account_missing", "eab_required",
    "provider_unknown", "terms_not_accepted", TERMS_CHANGED,
}
"""Failures that every order at that provider meets."""

_WAITING = {"deferred": Kind.DEFERRED, "coverage_blocked": Kind.BLOCKED}
"""What a website waits for that is not an order in vain."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there was no certificate. `of_provider`: the CA would do no better with any other order."""

    code: str
    detail: str
    permanent: bool = False
    of_provider: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider in use. `failures`: how often in a row it did not do what it was asked for, for reasons of its own,
    the last of which was `code` and `text`; it is not asked before `until`. `new_terms`: their address, if they are not
    agreed to."""

    name: str
    failures: int = 0
    code: str = ""
    text: str = ""
    until: datetime | None = None
    new_terms: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A website on a service. `attempts`: how often it has failed in a row; `code` is empty where none is known."""

    name: str
    state: str
    text: str
    code: str = ""
    attempts: int = 0
    retry_at: datetime | None = None


@dataclass(frozen=True)
class Result:
    """What became of one website. `own`: the names that it lists itself; `certificate`: what stands now; `lost`: names
    that the former one had and that are wanted still; `failures`: tries in a row that failed, for whatever reason;
    `waits`: what it failed for before, where it was not tried now."""

    account: str
    website: str
    provider: str
    action: Action
    code: str
    reason: str
    outcome: str
    own: frozenset[str] = frozenset()
    certificate: Certificate | None = None
    issued: bool = False
    left_off: tuple[LeftOff, ...] = ()
    lost: tuple[str, ...] = ()
    failure: Failed | None = None
    failures: int = 0
    waits: Failed | None = None
    until: datetime | None = None
    retry_at: datetime | None = None
    services: tuple[Service, ...] = ()


def events_of(results: Sequence[Result], providers: Sequence[Provider], now: datetime) -> tuple[Event, ...]:
    """Everything worth telling, whoever it is told."""
    found = [event for result in results for event in _of_website(result, now)]
    return (*found, *(event for one in providers for event in _of_provider(one, results)))


def settled_by(results: Sequence[Result], providers: Sequence[Provider]) -> frozenset[str]:
    """Keys of what this check found to be in order. Of a provider nothing was found out where nobody asked it."""
    unknown = any(_whole(result.failure) or result.code == "backoff" for result in results)
    over = {f"provider:{one.name}" for one in providers if not one.failures and not unknown}
    over |= {f"terms:{one.name}" for one in providers if not one.new_terms}
    for result in results:
        fine = result.action is Action.KEEP and result.code in ("fine", "nothing_gained")
        if result.issued or fine or result.action is Action.INSTALL:
            over.add(_website_key(result))
        over |= {_service_key(result, one) for one in result.services if one.state == "installed"}
    return frozenset(over)


def is_lasting(failures: int, permanent: bool = False) -> bool:
    """Whether it is more than a hiccup."""
    return permanent or failures > len(STEPS)


def is_near(certificate: Certificate | None, now: datetime) -> bool:
    """Whether a certificate has ended, was revoked, or has a tenth of its lifetime left at most. Where there is none,
    nothing is about to be lost."""
    if certificate is None:
        return False
    return certificate.revoked_at is not None or now >= certificate.not_after - lifetime(certificate) / 10


def _of_website(result: Result, now: datetime) -> Iterator[Event]:
    if result.issued:
        yield from _of_certificate(result)
    elif result.waits is not None:
        yield Event(
            _WAITING.get(result.waits.code, Kind.UNORDERED), _website_key(result), result.waits.code,
            result.waits.detail, result.account, result.website, ends_at=_ends(result), retry_at=result.retry_at,
            waits=True,
        )
    else:
        yield from _of_obstacle(result, now)
    for one in result.services:
        if one.state == "failed" and (is_lasting(one.attempts) or is_near(result.certificate, now)):
            yield Event(
                Kind.INSTALL, _service_key(result, one), one.code, one.text, result.account, result.website, one.name,
                ends_at=_ends(result), retry_at=one.retry_at, waits=not one.code,
            )


def _of_certificate(result: Result) -> Iterator[Event]:
    """It is told as installed only where it is; what keeps it from that is an event of its own."""
    names = result.certificate.names if result.certificate else ()
    lost = _about(result, result.lost)
    uncovered = tuple(left for left in result.left_off if left.name in result.own and not covers(names, left.name))
    key = f"installed:{result.website}:{_ends(result)}"
    event = Event(
        Kind.INSTALLED, key, "issued", "", result.account, result.website, covered=names, ends_at=_ends(result),
    )
    again = replace(event, retry_at=result.retry_at)
    if lost:
        key = f"reduced:{result.website}"
        yield replace(again, kind=Kind.REDUCED, key=key, code="reduced_coverage", detail=result.reason, names=lost)
    elif uncovered and _is_in_use(result):
        key = f"uncovered:{result.website}"
        yield replace(again, kind=Kind.UNCOVERED, key=key, code="names_missing", names=uncovered)
    elif not uncovered and result.outcome != "failed":
        yield event


def _is_in_use(result: Result) -> bool:
    """Whether the new certificate got to a service, be it not to all of them."""
    return result.outcome != "failed" or any(one.state == "installed" for one in result.services)


def _of_obstacle(result: Result, now: datetime) -> Iterator[Event]:
    """Nothing was issued: is that as it should be?"""
    found = _obstacle(result)
    if found is None:
        return
    kind, why = found
    told = kind is Kind.FOREIGN or is_near(result.certificate, now)
    told |= is_lasting(result.failures, why.permanent) and (kind is not Kind.UNORDERED or _concerns_it_alone(why))
    if told:
        yield Event(
            kind, _website_key(result), why.code, why.detail, result.account, result.website, names=result.left_off,
            ends_at=_ends(result), until=result.until, retry_at=result.retry_at,
        )


def _obstacle(result: Result) -> tuple[Kind, Failed] | None:
    why = result.failure or Failed(result.code, result.reason)
    if result.outcome == "stopped":
        return None
    if result.outcome == "pending":
        return Kind.UNORDERED, Failed("order_pending", "the provider has not finished the order")
    if result.failure is not None or result.action is Action.BLOCKED or why.code in ("order_pending", NEAR):
        return Kind.UNORDERED, why
    if result.action is Action.DEFER:
        return Kind.DEFERRED, why
    if result.action is Action.LEAVE and why.code == FOREIGN_INVALID:
        return Kind.FOREIGN, why
    return (Kind.BLOCKED, why) if why.code == "coverage_blocked" else None


def _concerns_it_alone(why: Failed) -> bool:
    """A provider that is down is told once, and what only has to be waited for is no failure; both concern a single
    website once its certificate is about to end."""
    return not _whole(why) and problem(why.code).severity is Severity.ERROR


def _whole(why: Failed | None) -> bool:
    return why is not None and (why.of_provider or why.code in _OF_THE_PROVIDER)


def _of_provider(one: Provider, results: Sequence[Result]) -> Iterator[Event]:
    """One of each kind, however many websites wait for it."""
    waiting = [result for result in results if _whole(result.failure)]
    if one.new_terms:
        told = f"the new terms: {one.new_terms}"
        yield Event(Kind.TERMS, f"terms:{one.name}", TERMS_CHANGED, told, service=one.name, websites=len(waiting))
    here = [result for result in waiting if result.provider == one.name]
    met = [Failed(one.code, one.text)] if one.failures else []
    met += [result.failure for result in here if result.failure]
    if not met or met[0].code == TERMS_CHANGED or problem(met[0].code).severity is not Severity.ERROR:
        return
    tries = max([one.failures, *(result.failures for result in here)])
    if is_lasting(tries, any(why.permanent for why in met)):
        yield Event(
            Kind.PROVIDER, f"provider:{one.name}", met[0].code, met[0].detail, service=one.name,
            websites=len(waiting), retry_at=one.until or min((r.retry_at for r in here if r.retry_at), default=None),
        )


def _about(result: Result, names: Sequence[str]) -> tuple[LeftOff, ...]:
    """Names with the reasons that are known of them."""
    reasons = {left.name: left for left in result.left_off}
    return tuple(reasons.get(name) or LeftOff(name, "names_missing", "") for name in names)


def _ends(result: Result) -> datetime | None:
    return result.certificate.not_after if result.certificate else None


def _website_key(result: Result) -> str:
    return f"website:{result.website}"


def _service_key(result: Result, service: Service) -> str:
    return f"install:{service.name}:{result.website}"
