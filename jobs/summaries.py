"""An account in four figures, kept in its row: so that lists of thousands of accounts can be sorted by an index."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from peewee import chunked

import models
from jobs import presented, records
from jobs.policy.coverage import SPLIT_OFF, UNUSED
from jobs.policy.name_state import ends_soon
from jobs.policy.names import covers
from jobs.policy.site import WantedName, Website
from jobs.policy.split import taken_names, wants


def refresh(accounts: Collection[str] | None, service_names: tuple[str, ...]) -> None:
    """Count anew for these accounts, or for all: wanted and covered names, problems, the soonest expiry. So many at a
    time, that the rows of a large installation are never in memory all at once."""
    taken = taken_names(records.websites())  # of anybody, as a check guesses
    for some in chunked(sorted(records.accounts() if accounts is None else accounts), records.AT_ONCE):
        _refresh(some, service_names, taken)


def _refresh(accounts: Collection[str], service_names: tuple[str, ...], taken: Collection[str]) -> None:
    known = records.accounts(accounts)
    sites = records.websites(accounts)
    mains = [site.main for site in sites]
    live = {**records.live_certificates(mains), **presented.foreign(mains)}
    codes = _trouble_codes(mains)
    figures = {name: [0, 0, 0] for name in known}
    ends: dict[str, datetime] = {}
    near: dict[str, datetime] = {}
    for site, wanted in _wanted_of(sites, service_names, known, records.exclusions(accounts), taken):
        certificate, reasons = live.get(site.main), codes.get(site.main, {})
        unused = {name for name, code in reasons.items() if code == UNUSED}
        counted = [name.fqdn for name in wanted if name.fqdn not in unused]
        sums = figures[site.account]
        sums[0] += len(counted)
        apart = names_apart(codes.get(site.part_of or "", {}))
        sums[1] += sum(
            certificate is not None and certificate.revoked_at is None and name not in apart
            and covers(certificate.names, name) for name in counted
        )
        sums[2] += sum(code != UNUSED for code in reasons.values())
        if certificate is not None:
            ends[site.account] = min(ends.get(site.account, certificate.not_after), certificate.not_after)
            near[site.account] = min(near.get(site.account, certificate.not_after), ends_soon(certificate))
    _keep({name: (*counts, ends.get(name), near.get(name)) for name, counts in figures.items()})


def _keep(figures: Mapping[str, tuple[Any, ...]]) -> None:
    """Write what differs, in one transaction with the look at what is there: in most nights that is nothing."""
    row = models.Account
    columns = (row.wanted, row.covered, row.problems, row.expires_at, row.near_at)
    with models.database.atomic():
        there = row.select(row.name, *columns).where(row.name.in_(list(figures)))
        for name, *before in there.tuples():
            if tuple(before) != figures[name]:
                row.update(dict(zip(columns, figures[name], strict=True))).where(row.name == name).execute()


def _trouble_codes(of: Collection[str]) -> dict[str, dict[str, str]]:
    """Codes of what `records.troubles` tells, without its long texts: in a large installation there are many."""
    found: dict[str, dict[str, str]] = {}
    row = models.Problem
    query = row.select(row.website, row.name, row.code).where((row.service == "") & row.website.in_(list(of)))
    for website, name, code in query.tuples().iterator():
        found.setdefault(website, {})[name] = sys.intern(code)
    return found


def _wanted_of(
    sites: list[Website],
    service_names: tuple[str, ...],
    known: dict[str, records.Entitlement],
    excluded: dict[str, frozenset[str]],
    taken: Collection[str],
) -> Iterable[tuple[Website, tuple[WantedName, ...]]]:
    """Each website with the names that its certificate should cover."""
    given = {name: one.features.service_names for name, one in known.items()}
    labels = {name: service_names if own is None else own for name, own in given.items()}
    found = wants(sites, labels, excluded, taken)
    for site in sites:
        yield site, found[site.main].names


def names_apart(codes: Mapping[str, str]) -> frozenset[str]:
    """The names of a website that its parts have, and for which the web server has no certificate. `codes`: of the
    website's troubles, by name."""
    return frozenset(name for name, code in codes.items() if code == SPLIT_OFF)
