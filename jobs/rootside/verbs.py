"""The whole contract: what the unprivileged side can ask for, and what it gets. There is nothing else.

| verb | what the root side does |
| --- | --- |
| `hello` | say which services, sources and zones this host has |
| `find` | ask a source (a web server) for its accounts and websites |
| `see` | say what a service presents for websites |
| `probe` | handshakes with a service of this host, at the addresses that its configuration names |
| `test` | a service's own configuration test |
| `reload` | reload a service whose test passes |
| `store` | prove a pair and its names, and keep it as a set of the root side |
| `install` | step 8 of a check: point a service at stored sets, test, reload once, prove, roll back |
| `release` | make a service present nothing for a part of a website any more |
| `refresh` | write what `autossl setup` would write now, where the administrator agreed to it before |
| `recover` | put back what a process that died in the middle has left |
| `forget` | remove the sets of a website that is gone, unless a service is told to read them |
| `others` | say which other programs order certificates on this host, and what they keep |
| `written` | which files of services were written from here, and how they stand |
| `lacking` | which files `autossl setup` would write for a service |
| `zone_for`, `add_record`, `remove_record` | zones in files of the name server on this host |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jobs.install import Outcome
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.other_clients import Found, Kept
from jobs.policy.site import Account, Website
from jobs.ports import Installed, Record, Served

CODE = "root_side_unreachable"
PROTOCOL = 1
"""Both sides are of one package; a number that differs means that one of them was not restarted."""


@dataclass(frozen=True, slots=True)
class Told:
    """A Failure of the other side; there is no time in it, for nothing there waits for a CA."""

    code: str
    detail: str
    permanent: bool = False

    @classmethod
    def of(cls, failure: Failure) -> Told:
        return cls(failure.code, failure.detail, failure.permanent)

    def as_failure(self) -> Failure:
        return Failure(self.code, self.detail, permanent=self.permanent)


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A service that is on this host, and its abilities (`jobs/abilities.py`)."""

    name: str
    holds_several: bool
    sets_up: bool


@dataclass(frozen=True, slots=True)
class Hello:
    """`session`: by which further connections share what this one has read of the host's configuration."""

    protocol: int
    session: str
    services: tuple[ServiceFacts, ...]
    sources: tuple[str, ...]
    zones: bool


@dataclass(frozen=True, slots=True)
class FoundThere:
    accounts: tuple[Account, ...]
    websites: tuple[Website, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a service says of one website. `trouble`: why it could not say."""

    concerns: bool
    installed: Installed | None
    trouble: Told | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A website, and the serial number (hexadecimal) of a set that was stored for it."""

    website: Website
    serial: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A file of a service that was written here. `state`: as written | changed | gone."""

    service: str
    path: str
    state: str


@dataclass(frozen=True, slots=True)
class OthersThere:
    """See `jobs/policy/other_clients.py`."""

    found: tuple[Found, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class NoWords:
    """A verb without arguments."""


@dataclass(frozen=True, slots=True)
class Source:
    source: str


@dataclass(frozen=True, slots=True)
class Service:
    service: str
    forget: bool = True
    """Whether its configuration is to be read anew first."""


@dataclass(frozen=True, slots=True)
class See:
    service: str
    websites: tuple[Website, ...]
    forget: bool


@dataclass(frozen=True, slots=True)
class Probe:
    service: str
    website: Website
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Store:
    website: Website
    privkey: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Install:
    service: str
    items: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class Release:
    service: str
    website: Website


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Verb:
    """`asked` and `answer`: types of the contract. `changes`: only one such verb is carried out at a time. `seconds`:
    after which the asking side gives up."""

    asked: Any
    answer: Any
    changes: bool = False
    seconds: float = 120.0


LONG = 1800.0
"""Seconds: a thousand websites on a slow service, its test before and after, the reload, handshakes."""

VERBS: dict[str, Verb] = {
    "hello": Verb(NoWords, Hello),
    "find": Verb(Source, FoundThere),
    "see": Verb(See, tuple[Seen, ...]),
    "probe": Verb(Probe, tuple[Served, ...]),
    "test": Verb(Service, None),
    "reload": Verb(Service, None, True),
    "store": Verb(Store, str, True),
    "install": Verb(Install, tuple[Outcome, ...], True, LONG),
    "release": Verb(Release, bool, True),
    "refresh": Verb(NoWords, tuple[Finding, ...], True, LONG),
    "recover": Verb(NoWords, tuple[Finding, ...], True),
    "forget": Verb(Name, bool, True),
    "others": Verb(NoWords, OthersThere),
    "written": Verb(NoWords, tuple[Standing, ...]),
    "lacking": Verb(Service, tuple[str, ...]),
    "zone_for": Verb(Name, str | None),
    "add_record": Verb(Record, None, True),
    "remove_record": Verb(Record, None, True),
}
