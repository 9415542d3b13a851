"""What is known of a website when step 3 decides about it: values that `jobs/facts.py` gathers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jobs.policy.certificate import Certificate
from jobs.policy.site import WantedName, Website
from jobs.policy.verdict import Verdict

WEB_SERVICES = ("apache", "nginx")


@dataclass(frozen=True, slots=True)
class Presented:
    """What a service's configuration presents for the website. `linked`: it reads through our link;
    `ours`: the certificate was issued here; `unreadable`: a file is named that can't be read; `unknown`: the
    service's configuration itself can't be read, so nobody knows what it presents; `keeper`: the other program in whose
    care the certificate is."""

    certificate: Certificate | None
    linked: bool = False
    ours: bool = False
    unreadable: bool = False
    detail: str = ""
    unknown: bool = False
    keeper: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """A problem whose next automatic try lies in the future."""

    until: datetime
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What is known of a website. `presented` has a key for every service that concerns it; None: nothing is
    configured there. `waits`: names (the empty one: the website) whose backoff may not be over.
    `service_waits`: the same per service; `stopped`: those of them that wait only because the service is not running.
    `under_way`: the names of an order that is, which is not asked for again before `ordered_wait`, with how each is
    validated in it.
    `ordered_at`: the provider that has it, by its name here. `parked`: an order waits for a limit of the CA instead.
    `elsewhere`: wanted names that the website's parts have (see `split.py`), which `several` can present: services
    that hold several certificates a website. `barred`: domains below which no wildcard may be had, and why. `takeover`:
    somebody has said that certificates of others may be replaced on this website, whatever they are."""

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
    takeover: bool = False

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
    """`forced`: a person asks, so no backoff counts. `trusted`: the provider is one that browsers trust, so that what
    was ordered from a test CA before is of no use any more."""

    replace_foreign: bool = False
    forced: bool = False
    trusted: bool = False
