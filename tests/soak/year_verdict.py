"""What should have come of the simulated year, reckoned from the world alone and by the rules in words: how many orders
each website needed, and whether an expiry was anybody's fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from tests.soak.year_world import DAY, HOUR, Name, Site, YearWorld

FIRST_WITHIN = 5 * DAY
"""A new website has its first certificate after this: the hosting company's own domain may take some days."""


def due(begins: datetime, lifetime: timedelta) -> datetime:
    """A third of the lifetime left, half of it under ten days."""
    return begins + lifetime * (1 / 2 if lifetime < 10 * DAY else 2 / 3)


def last_part(ends: datetime, lifetime: timedelta) -> datetime:
    """From here on a certificate with fewer names is better than none."""
    return ends - min(3 * DAY, lifetime / 10)


def necessary(world: YearWorld, site: Site, backdated: timedelta) -> int:
    """How many certificates the website needs if each is ordered at the first moment at which it can and should be."""
    end = min(site.until, world.end)
    found, moment = 0, _first(world, site, site.since, end, lambda at: bool(_working(site, at)))
    while moment is not None:
        found += 1
        begins = moment - min(backdated, site.lifetime / 20)
        ends = begins + site.lifetime
        names = {name.fqdn for name in _working(site, moment)}
        times = (due(begins, site.lifetime), last_part(ends, site.lifetime))
        moment = _first(world, site, moment, end, _should(site, names, times), times)
    return found


def _should(site: Site, names: set[str], times: tuple[datetime, datetime]) -> Callable[[datetime], bool]:
    """Whether a certificate with `names` should be replaced at a moment."""

    def should(at: datetime) -> bool:
        working = {name.fqdn for name in _working(site, at)}
        wanted = {name.fqdn for name in site.wanted(at)}
        whole = names & wanted <= working
        return (whole and (at >= times[0] or bool(working - names))) or (bool(working) and at >= times[1])

    return should


def _working(site: Site, at: datetime) -> list[Name]:
    return [name for name in site.wanted(at) if name.works(at)]


def _first(
    world: YearWorld, site: Site, start: datetime, end: datetime, wanted: Callable[[datetime], bool],
    more: tuple[datetime, ...] = (),
) -> datetime | None:
    """The first moment from `start` on at which host and CA are fit and it is `wanted`: an edge, or one of `more`."""
    edges = [start, *more, *world.edges(start, end), *site.edges(start, end)]
    return next((at for at in sorted(edges) if start <= at < end and world.fit(at) and wanted(at)), None)


def stretches(
    world: YearWorld, site: Site, start: datetime, end: datetime, good: Callable[[datetime], bool]
) -> Iterator[timedelta]:
    """How long host and CA are fit and it is `good`, each time in one piece."""
    edges = sorted({start, end, *world.edges(start, end), *site.edges(start, end)})
    piece = timedelta(0)
    for begins, ends in pairwise(edges):
        if world.fit(begins) and good(begins):
            piece += ends - begins
            continue
        yield piece
        piece = timedelta(0)
    yield piece


def excuse_missing(world: YearWorld, site: Site, start: datetime, ends: datetime, lifetime: timedelta) -> bool:
    """Whether nobody could renew what was due at `start` and expired at `ends`: at no time did all names validate for
    longer than the longest wait between two tries, and in the last part not one, for as long as that is then."""
    slack = 3 * HOUR
    last = max(start, last_part(ends, lifetime))
    whole = stretches(world, site, start, ends, lambda at: all(name.works(at) for name in site.wanted(at)))
    some = stretches(world, site, last, ends, lambda at: bool(_working(site, at)))
    return all(piece <= min(DAY, lifetime / 10) + slack for piece in whole) and all(
        piece <= (ends - last) / 10 + slack for piece in some
    )


def excuse_never(world: YearWorld, site: Site, until: datetime) -> bool:
    """Whether no first certificate could be had by then."""
    tried = stretches(world, site, site.since, until, lambda at: bool(_working(site, at)))
    return site.until < site.since + FIRST_WITHIN or all(piece <= FIRST_WITHIN for piece in tried)
