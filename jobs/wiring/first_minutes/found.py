"""What is on this host, as it is found before anything is made: services, websites, and other ACME clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from peewee import SqliteDatabase

from jobs import privileged, registry
from jobs.config import load
from jobs.place import Place
from jobs.policy.failure import Failure
from jobs.policy.other_clients import IMPORTED
from jobs.policy.panel_files import SERVICE
from jobs.policy.site import UNASSIGNED, Website
from jobs.ports import ServiceTarget
from jobs.wiring.instance import Instance
from jobs.wiring.parts import services, sources


@dataclass(frozen=True)
class FoundService:
    """`websites`: how many it names itself; None where it is none that does."""

    name: str
    title: str
    websites: int | None


@dataclass(frozen=True)
class FoundClient:
    """Another program that orders certificates, or a panel that calls one. `sign`: the file by which it is known;
    `certificates`: how many it renews; `importable`: `autossl import` can take them over."""

    name: str
    sign: str
    certificates: int
    importable: bool


@dataclass(frozen=True)
class Found:
    """`troubles`: what could not be read, in words."""

    services: tuple[FoundService, ...]
    accounts: int
    websites: int
    clients: tuple[FoundClient, ...]
    troubles: tuple[str, ...]


def unmade(directory: Path, config: Path) -> Instance:
    """An instance that is not there yet, for looking at services only: it has no database.

    Raises Failure("config_invalid").
    """
    return Instance(Place(directory.absolute()), load(config), SqliteDatabase(None))


def look(instance: Instance) -> Found:
    """Ask every service and source on this host; nothing is kept. Raises Failure("config_invalid")."""
    troubles: list[str] = []
    sites: list[Website] = []
    accounts: set[str] = set()
    names: Counter[str] = Counter()
    asked = sources(instance)
    for source in asked:
        try:
            found = source.websites()
            accounts |= {account.name for account in source.accounts()}
        except Failure as failure:
            troubles.append(f"{source.name}: {failure.detail}")
            continue
        sites += found
        names[source.name] = len(found)
    telling = {source.name for source in asked}
    return Found(
        services=tuple(
            FoundService(one.name, registry.load("services", one.name).title.partition(":")[0],
                         names[one.name] if one.name in telling else None)
            for one in services(instance) if one.name != SERVICE and _has_to_do(one, sites)
        ),
        accounts=len((accounts | {site.account for site in sites}) - {UNASSIGNED}),
        websites=len(sites),
        clients=tuple(_clients()),
        troubles=tuple(troubles),
    )


def _clients() -> Iterator[FoundClient]:
    others = privileged.other_clients()
    for one in others.found:
        kept = sum(each.client is one.client and each.renewing for each in others.kept)
        yield FoundClient(str(one.client), one.sign, kept, kept > 0 and one.client in IMPORTED)


def _has_to_do(service: ServiceTarget, sites: Sequence[Website]) -> bool:
    """What needs something once has, and what any website is served by. One whose configuration can't be read is there
    as well; what is wrong is told where it would be written."""
    try:
        return hasattr(service, "setup") or not sites or any(service.concerns(site) for site in sites)
    except Failure:
        return True
