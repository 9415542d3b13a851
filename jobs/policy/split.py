"""Names beyond the provider's cap: they go onto further certificates, for services that can present several a website.

A part is a website of its own in every further step: its main name is the first of its names. A web server presents one
certificate a website, so it has nothing to do with parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from jobs.policy.names import wanted_names
from jobs.policy.site import WantedName, Website

SOURCE = "split"
"""Where a part comes from, as other websites come from `apache` or a manifest."""


@dataclass(frozen=True, slots=True)
class Wants:
    """`names`: what a website's own certificate should cover; `elsewhere`: those that its parts have."""

    names: tuple[WantedName, ...] = ()
    elsewhere: tuple[WantedName, ...] = ()


@dataclass(frozen=True, slots=True)
class Division:
    """`parts` of one website as they shall be; `changed`: those that are new or have other names than before."""

    parts: tuple[Website, ...] = ()
    changed: tuple[Website, ...] = ()


def taken_names(websites: Iterable[Website]) -> frozenset[str]:
    """Names that websites list as their own, which are guessed for no other."""
    return frozenset(name for site in websites if site.part_of is None for name in site.names)


def wants(
    websites: Sequence[Website],
    labels: Mapping[str, Sequence[str]],
    excluded: Mapping[str, Collection[str]],
    taken: Collection[str],
) -> dict[str, Wants]:
    """What each website wants, by main name. `labels`: the service names by account; `excluded` as well. A part's
    website must be among `websites`; a part without one wants nothing."""
    whole = {
        site.main: wanted_names(site, labels.get(site.account, ()), excluded.get(site.account, ()), taken)
        for site in websites if site.part_of is None
    }
    of_parts: dict[str, set[str]] = {}
    for site in websites:
        if site.part_of is not None:
            of_parts.setdefault(site.part_of, set()).update(site.names)
    found = {}
    for site in websites:
        if site.part_of is None:
            away = of_parts.get(site.main, set())
            names = tuple(name for name in whole[site.main] if name.fqdn not in away)
            found[site.main] = Wants(names, tuple(name for name in whole[site.main] if name.fqdn in away))
        else:
            known = {name.fqdn: name for name in whole.get(site.part_of, ())}
            found[site.main] = Wants(tuple(known[name] for name in site.names if name in known))
    return found


def tidied(part: Website, possible: Collection[str]) -> Website:
    """A part without names that its website does not have any more; it is called after its first one all the same.
    An excluded name stays where it is, for the day on which it is included again."""
    return replace(part, names=(part.main, *(name for name in part.names[1:] if name in possible)))


def divide(website: Website, parts: Sequence[Website], over: Sequence[str], max_names: int) -> Division:
    """Find a place for the names in `over`, of `website` or of a part that has too many itself: the first part with
    room, else a new one. Every part keeps what else it has, so that as few certificates as possible are ordered anew.

    A wildcard finds no place, for a website can't be called after it; and what a part is called after stays there.
    """
    before = {part.main: part for part in parts}
    moving = [name for name in dict.fromkeys(over) if not name.startswith("*.") and name not in before]
    homes = {part.main: [name for name in part.names if name not in moving] for part in parts}
    for name in moving:
        home = next((names for names in homes.values() if len(names) < max_names), None)
        if home is None:
            homes[name] = [name]
        else:
            home.append(name)
    now = tuple(_part(website, before.get(main), names) for main, names in homes.items())
    return Division(now, tuple(part for part in now if part != before.get(part.main)))


def _part(website: Website, before: Website | None, names: Sequence[str]) -> Website:
    if before is not None:
        return replace(before, names=tuple(names))
    return Website(website.account, tuple(names), source=SOURCE, part_of=website.main)
