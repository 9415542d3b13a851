"""Abilities that only some plug-ins have, beside the contract of `jobs/ports.py`; a plug-in has them by its members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeGuard

from jobs.policy.ari import Suggestion
from jobs.policy.file_change import FileChange
from jobs.policy.persist import Holder, Offer
from jobs.policy.site import Website
from jobs.ports import DnsBackend, Record, Registers, ServiceTarget


class SetsUp(Protocol):
    """Ability: configuration that is written once, for all websites (`autossl setup`)."""

    def setup(self) -> Sequence[FileChange]:
        """Changes that make the service ready (challenge responder, one include). Empty when it is.

        A service may have `left_undone() -> Sequence[Failure]`: the parts of the last `setup` that it left out; and
        `read_until_reloaded() -> Sequence[Path]`: files that `setup --undo` takes away only after the reload, for the
        running daemon would fail without them."""


class HoldsSeveral(ServiceTarget, Protocol):
    """Ability: several certificates for one website, each for its own names (by SNI). A website with more names than
    the provider allows on one certificate then has parts, which such a service meets as websites of their own
    (`Website.part_of`)."""

    def release(self, website: Website) -> Sequence[FileChange]:
        """The changes after which the service presents nothing of the website any more; empty when it does not now.
        What clients get that name nobody may stay, where nothing else could be presented to them."""


def holds_several(service: ServiceTarget) -> TypeGuard[HoldsSeveral]:
    """Whether a service has the ability `HoldsSeveral`."""
    return callable(getattr(service, "release", None))


def expect(service: ServiceTarget, websites: Sequence[Website]) -> None:
    """Tell a service that wants to know (`expect(websites)`) which websites it is about to be asked about one by one;
    it may find out about all of them at once. Raises Failure."""
    ability = getattr(service, "expect", None)
    if ability is not None:
        ability(websites)


def registers(provider: object) -> TypeGuard[Registers]:
    """Whether a provider has accounts, and a directory that can be asked anew (`Registers`)."""
    return callable(getattr(provider, "register", None))


class TakesLastingRecords(Protocol):
    """Ability: dns-persist-01, of which the record is only shown and looked at."""

    def persist(self) -> Offer | None:
        """How the CA takes it, as far as it said so to this instance; None: it did not."""

    def holder(self) -> Holder | None:
        """The account as such a record names it; None before the registration."""


def takes_lasting_records(provider: object) -> TypeGuard[TakesLastingRecords]:
    """Whether a provider has the ability `TakesLastingRecords`."""
    return callable(getattr(provider, "persist", None))


class RenewalInfo(Protocol):
    """Ability: the CA is asked when it would like a certificate renewed (RFC 9773)."""

    def renewal_info(self, certificate_id: str, seconds: float) -> Suggestion | None:
        """The window of a certificate (`ari.certificate_id`), by one try that takes `seconds` for each of at most two
        requests; None: the CA's directory offers no such answers. Needs no account. Raises Failure."""


def tells_renewals(provider: object) -> TypeGuard[RenewalInfo]:
    """Whether a provider has the ability `RenewalInfo`."""
    return callable(getattr(provider, "renewal_info", None))


class WritesSomeOnly(DnsBackend, Protocol):
    """Ability: a backend that can't write every record of its zones, such as one that only answers challenges. What it
    can't write counts as elsewhere: it is shown, so that somebody adds it by hand, and never tried."""

    def writes(self, name: str, kind: str) -> bool:
        """Whether it can write records of that kind at that name, which `zone_for` has a zone for. Never raises."""


def writes(backend: DnsBackend, name: str, kind: str) -> bool:
    """Whether a backend can write that; one without the ability `WritesSomeOnly` can write everything."""
    chosen = getattr(backend, "writes", None)
    return chosen is None or bool(chosen(name, kind))


class SeesZone(DnsBackend, Protocol):
    """Ability: a backend that sees the whole of its zones, and so what a value would do to them."""

    def holds(self, record: Record) -> bool:
        """Whether that value stands there, whoever put it. Raises Failure."""

    def takes_down(self, record: Record) -> str | None:
        """A name with an address that only a wildcard of the zone gives it, and that would lose it by the value (RFC
        4592 section 2.2). Raises Failure."""


def sees_zone(backend: DnsBackend) -> TypeGuard[SeesZone]:
    """Whether a backend has the ability `SeesZone`."""
    return callable(getattr(backend, "holds", None))


class KeepsForNames(DnsBackend, Protocol):
    """Ability: a backend of which each name is kept for challenges of certain names, whoever has its zone."""

    def keeps_for(self, owner: str, name: str) -> bool:
        """Whether `owner` is for the challenges of `name`. Never raises."""


def keeps_for(backend: DnsBackend, owner: str, name: str) -> bool:
    """Whether a backend with the ability `KeepsForNames` says so; without it, nothing is kept for anybody."""
    asked = getattr(backend, "keeps_for", None)
    return asked is not None and bool(asked(owner, name))


class LeavesBehind(DnsBackend, Protocol):
    """Ability: a backend whose `remove` is taken note of, but leaves the value standing until newer ones push it out.
    Nobody waits for its absence."""

    leaves: bool


def leaves_behind(backend: DnsBackend) -> bool:
    """Whether a backend has the ability `LeavesBehind`."""
    return bool(getattr(backend, "leaves", False))
