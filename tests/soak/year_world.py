"""What really happens in the simulated year: which websites and names there are, when they can be validated, when the
CA is there, when the host is off or its clock is wrong. All of it follows from the seed, none of it from the product.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVER = BEGINNING + 3650 * DAY

LIFETIMES = ((0.05, 6 * DAY), (0.20, 45 * DAY), (0.70, 90 * DAY), (0.05, 398 * DAY))
"""Which part of the websites has certificates that live that long."""

AT_ONE_DOMAIN = 0.06
"""The part of the websites that are subdomains of the hosting company's own domain, and share its weekly limit."""

DNS, CA_ONLY = "dns", "ca"
"""How a name fails: so that the preflight sees it as well, or only at the CA (which looks from outside)."""


class Spells:
    """Times from, until, in order and without overlap."""

    def __init__(self, spells: Iterable[tuple[datetime, datetime]] = ()) -> None:
        merged: list[tuple[datetime, datetime]] = []
        for start, end in sorted(spells):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        self._all = merged
        self._starts = [start for start, _ in merged]

    def __iter__(self) -> Iterator[tuple[datetime, datetime]]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def hold(self, moment: datetime) -> bool:
        place = bisect_right(self._starts, moment) - 1
        return place >= 0 and moment < self._all[place][1]

    def edges(self, start: datetime, end: datetime) -> list[datetime]:
        """Where something changes in between."""
        return [edge for spell in self._all for edge in spell if start < edge < end]


@dataclass
class Name:
    """`since` and `until`: while the website lists it. `fails`: while it can't be validated, by `kind`."""

    fqdn: str
    since: datetime = BEGINNING
    until: datetime = EVER
    fails: dict[str, Spells] = field(default_factory=dict)

    def listed(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    def works(self, moment: datetime) -> bool:
        return not any(spells.hold(moment) for spells in self.fails.values())

    def seen_failing(self, moment: datetime) -> bool:
        """Whether the preflight sees it fail."""
        return DNS in self.fails and self.fails[DNS].hold(moment)


@dataclass
class Site:
    """`names`: its own, the main one first; `guessed`: what the product tries beside them, and exists. `windows`: the
    CA has renewal windows for it."""

    number: int
    account: str
    lifetime: timedelta
    names: list[Name]
    guessed: list[Name]
    since: datetime
    until: datetime
    windows: bool

    @property
    def main(self) -> str:
        return self.names[0].fqdn

    def there(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    def listed(self, moment: datetime) -> list[Name]:
        return [name for name in self.names if name.listed(moment)]

    def wanted(self, moment: datetime) -> list[Name]:
        """What a certificate should cover: guesses go with the name that they are guessed for, the main one."""
        return [*self.listed(moment), *self.guessed]

    def edges(self, start: datetime, end: datetime) -> list[datetime]:
        """Where something changes in between."""
        found = [edge for name in self.names for edge in (name.since, name.until) if start < edge < end]
        for name in (*self.names, *self.guessed):
            for spells in name.fails.values():
                found += spells.edges(start, end)
        return found


class YearWorld:
    """`number` websites from BEGINNING on, for `days`."""

    def __init__(self, random: Random, number: int, days: int) -> None:
        self._random, self.end = random, BEGINNING + days * DAY
        self._days = days
        self.sites = [self._site(place) for place in range(number)]
        self.by_name = {name.fqdn: name for site in self.sites for name in (*site.names, *site.guessed)}
        self.site_of = {name.fqdn: site for site in self.sites for name in (*site.names, *site.guessed)}
        self.outages = self._some(max(2, days // 25), HOUR, 60 * HOUR)
        self.off = self._some(max(1, days // 60), 4 * HOUR, 48 * HOUR)
        self.clock_errors = self._clock_errors()

    def up(self, moment: datetime) -> bool:
        return not self.outages.hold(moment)

    def fit(self, moment: datetime) -> bool:
        """Whether host and CA could renew something now: both are there, and the host's clock is about right."""
        return self.up(moment) and not self.off.hold(moment) and not self._by_a_day(moment)

    def edges(self, start: datetime, end: datetime) -> list[datetime]:
        """Where that changes in between."""
        spells = (self.outages, self.off, *(spell for spell, _ in self.clock_errors))
        return [edge for one in spells for edge in one.edges(start, end)]

    def changes(self) -> list[datetime]:
        """When websites and their names come and go."""
        found = {moment for site in self.sites for moment in (site.since, site.until)}
        found |= {moment for site in self.sites for name in site.names for moment in (name.since, name.until)}
        return sorted(moment for moment in found if moment < self.end)

    def clock_error(self, moment: datetime) -> timedelta:
        """By how much the host's clock is wrong: mostly by a few minutes, sometimes by a day."""
        for spell, error in self.clock_errors:
            if spell.hold(moment):
                return error
        hours = int((moment - BEGINNING) / HOUR)
        return timedelta(seconds=(hours * 7919) % 481 - 240)

    def faults(self) -> dict[str, int]:
        names = list(self.by_name.values())
        return {
            "outage of the CA": len(self.outages),
            "host switched off": len(self.off),
            "clock wrong by a day": len(self.clock_errors),
            "name that the preflight sees failing": sum(len(name.fails.get(DNS, ())) for name in names),
            "name that fails at the CA only": sum(len(name.fails.get(CA_ONLY, ())) for name in names),
            "name added": sum(name.since > site.since for site in self.sites for name in site.names),
            "name removed": sum(name.until < site.until for site in self.sites for name in site.names),
            "website added": sum(site.since > BEGINNING for site in self.sites),
            "website removed": sum(site.until < self.end for site in self.sites),
        }

    def _by_a_day(self, moment: datetime) -> bool:
        return any(spell.hold(moment) for spell, _ in self.clock_errors)

    def _site(self, place: int) -> Site:
        random, share = self._random, (place + 0.5) / 1000 % 1
        lifetime = self._lifetime()
        domain = f"customer{place}.hoster.test" if share < AT_ONE_DOMAIN else f"shop{place}.test"
        since = self._moment() if random.random() < 0.03 else BEGINNING
        until = max(self._moment(), since + 5 * DAY) if random.random() < 0.03 else EVER
        labels = ["", "www.", *[f"more{more}." for more in range(random.choice((0, 0, 0, 1, 3)))]]
        names = [Name(f"{label}{domain}", since) for label in labels]
        if random.random() < 0.10:
            names.append(Name(f"new.{domain}", max(self._moment(), since + DAY)))
        if len(names) > 2 and random.random() < 0.10:
            names[2].until = max(self._moment(), names[2].since + DAY)
        guessed = [Name(f"mail.{domain}", since)] if place % 2 else []
        site = Site(place, f"user{place // 2:04}", lifetime, names, guessed, since, until, random.random() < 0.10)
        self._troubles(site)
        return site

    def _troubles(self, site: Site) -> None:
        """One name in a hundred websites and month, say; sometimes all names of a website at once."""
        random, names = self._random, [*site.names, *site.guessed]
        found: dict[tuple[str, str], list[tuple[datetime, datetime]]] = {}
        for _ in range(self._days // 30 or 1):
            if random.random() > 0.03:
                continue
            start = self._moment()
            spell = (start, start + HOUR * 10 ** random.uniform(0, 2.9))
            whole = random.random() < 0.15
            kind = CA_ONLY if random.random() < 0.15 else DNS
            for name in names if whole else [random.choice(names)]:
                found.setdefault((name.fqdn, kind), []).append(spell)
        for name in names:
            name.fails = {kind: Spells(found[name.fqdn, kind]) for kind in (DNS, CA_ONLY) if (name.fqdn, kind) in found}

    def _lifetime(self) -> timedelta:
        drawn = self._random.random()
        for part, lifetime in LIFETIMES:
            drawn -= part
            if drawn < 0:
                return lifetime
        return LIFETIMES[-1][1]

    def _moment(self) -> datetime:
        return BEGINNING + (self.end - BEGINNING) * self._random.random()

    def _some(self, number: int, shortest: timedelta, longest: timedelta) -> Spells:
        starts: Sequence[datetime] = [self._moment() for _ in range(number)]
        return Spells((start, start + shortest + (longest - shortest) * self._random.random()) for start in starts)

    def _clock_errors(self) -> list[tuple[Spells, timedelta]]:
        found = []
        for error in (DAY, -DAY) * max(1, self._days // 180):
            start = self._moment()
            found.append((Spells([(start, start + 6 * HOUR)]), error))
        return found
