"""What people are told of: the kinds of events, how loud each is, and who wants to hear it (behaviour section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from jobs.policy.failure import LeftOff
from jobs.policy.options import NotifyLevel


class Weight(StrEnum):
    """From loud to quiet."""

    FAILURE = "failure"
    WARNING = "warning"
    SUCCESS = "success"


class Kind(StrEnum):
    """The worst first, as a message has them."""

    UNORDERED = "cannot be ordered"
    """A certificate that is lacking, or about to end, and can't be ordered."""
    REDUCED = "installed with reduced coverage"
    INSTALL = "not installed"
    SERVED = "not served"
    TERMS = "terms changed"
    PROVIDER = "provider down"
    HOST = "host"
    """Something else about the host, such as a check that ended early; the code says what."""
    DEFERRED = "renewal deferred"
    BLOCKED = "blocked by a failing name"
    FOREIGN = "of no use"
    """A certificate of somebody else's that has ended or is about to, and that may not be replaced."""
    UNCOVERED = "installed with uncovered names"
    INSTALLED = "installed"
    TEST = "test"


WEIGHTS: Mapping[Kind, Weight] = MappingProxyType(
    dict.fromkeys(Kind, Weight.FAILURE)
    | dict.fromkeys((Kind.DEFERRED, Kind.BLOCKED, Kind.FOREIGN, Kind.UNCOVERED), Weight.WARNING)
    | dict.fromkeys((Kind.INSTALLED, Kind.TEST), Weight.SUCCESS)
)

OF_THE_HOST = frozenset({Kind.PROVIDER, Kind.TERMS, Kind.INSTALL, Kind.SERVED, Kind.HOST, Kind.FOREIGN, Kind.TEST})
"""Told to administrators only: nobody else can do anything about them."""

_LOUDEST: Mapping[NotifyLevel, frozenset[Weight]] = MappingProxyType(
    {
        NotifyLevel.ALL: frozenset(Weight),
        NotifyLevel.WARNINGS: frozenset({Weight.WARNING, Weight.FAILURE}),
        NotifyLevel.FAILURES: frozenset({Weight.FAILURE}),
        NotifyLevel.OFF: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, or that is wrong.

    `key` names what it is about, the same for as long as it lasts. `code` is one of the catalogue, `detail` the words
    of this time (a CA's own, as they came). `names`: those that it is about, each with its own code and words;
    `covered`: those of the certificate. `websites`: how many wait. `account` and `website` are empty for what is about
    the host. `waits`: it was told when it was tried, which it was not now.
    """

    kind: Kind
    key: str
    code: str = ""
    detail: str = ""
    account: str = ""
    website: str = ""
    service: str = ""
    names: tuple[LeftOff, ...] = ()
    covered: tuple[str, ...] = ()
    websites: int = 0
    ends_at: datetime | None = None
    until: datetime | None = None
    retry_at: datetime | None = None
    waits: bool = False

    @property
    def weight(self) -> Weight:
        return WEIGHTS[self.kind]


class Audience(StrEnum):
    """How somebody is spoken to; who is several of these is spoken to as the first."""

    ADMIN = "admin"
    RESELLER = "reseller"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Interest:
    """Why a recipient hears of an event: as what, of which account (None: of everything), and how loud it has to be."""

    audience: Audience
    level: NotifyLevel
    account: str | None = None

    def covers(self, event: Event) -> bool:
        if event.weight not in _LOUDEST[self.level]:
            return False
        if self.account is None:
            return self.audience is Audience.ADMIN
        return event.account == self.account and event.kind not in OF_THE_HOST
