"""What the doctor looks at: one file a check, found by their place. Nothing on the host is changed by any of them.

A check is a module: a docstring whose first line is its title, and `examine`. Adding one is adding its file. What rows
say is handed in as a `Host`; each check may be slow, none is waited for longer than the whole examination takes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Protocol

from jobs import privileged
from jobs.config import Config
from jobs.place import Place
from jobs.policy.doctor import Result, Rhythm
from jobs.policy.other_clients import Others
from jobs.policy.site import Website
from jobs.policy.specs import Look
from jobs.ports import ServiceTarget


@dataclass(frozen=True)
class Asked:
    """What the CA's directory says, and our clock just before and after."""

    look: Look
    before: datetime
    after: datetime


@dataclass(frozen=True)
class Provider:
    """The one in use. `ask` fetches its directory, once for all checks; `account` is the URL that the CA knows by the
    key that lies here, or None. Both raise Failure. `registered`: the account's URL as it is kept."""

    name: str
    directory: str
    registered: str | None
    terms_changed: bool
    ask: Callable[[], Asked]
    account: Callable[[], str | None]


@dataclass(frozen=True)
class Written:
    """A file of a service that was written here. `state`: as written | changed | gone."""

    service: str
    path: str
    state: str


@dataclass(frozen=True)
class Differing:
    """A website that a service serves otherwise than installed, as the watch saw it."""

    service: str
    website: str
    text: str


@dataclass(frozen=True)
class Host:
    """What a check may need to know. `services` makes fresh ones at every call: they can't be shared by threads that
    plan. `addresses`: where the world may reach this host. `secured`: some website has a certificate of ours.
    `watched`: how many websites on services are watched; `soundness`: what is wrong with the database, if anything,
    and whether all of it was looked at; `notifiers`: those that are set up, by name, or Failure; `held`: our
    websites by the names on the certificates that they have from here."""

    place: Place
    config: Config
    now: datetime
    services: Callable[[], Sequence[ServiceTarget]]
    addresses: Sequence[str]
    websites: Sequence[Website]
    secured: bool
    provider: Provider | None
    rhythm: Rhythm
    written: Sequence[Written]
    watched: int
    differing: Sequence[Differing]
    soundness: Callable[[], tuple[str, bool]]
    notifiers: Callable[[], Mapping[str, object]] = dict
    others: Callable[[], Others] = lambda: privileged.other_clients()
    held: Mapping[str, str] = field(default_factory=dict)


class Check(Protocol):
    """What each module of this package is."""

    __doc__: str | None

    def examine(self, host: Host) -> Iterable[Result]:
        """What was found, the most important first. Raises Failure for what kept it from finding out."""


@cache
def checks() -> dict[str, Check]:
    """Every check by its file name."""
    names = sorted(entry.name for entry in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def title(check: Check) -> str:
    return (check.__doc__ or "").strip().splitlines()[0].rstrip(".")
