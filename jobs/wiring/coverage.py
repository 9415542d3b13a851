"""Each name of an account with certificate, problem and remedy: the SSL/TLS Status page, of rows only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import models
from jobs import presented, records, renewals, troubles
from jobs.policy.ari import Renewal
from jobs.policy.certificate import Certificate
from jobs.policy.coverage import SPLIT_OFF, UNUSED
from jobs.policy.decision import WEB_SERVICES
from jobs.policy.due import asked_early
from jobs.policy.features import Entitlement
from jobs.policy.name_state import NameState, name_state
from jobs.policy.names import covers
from jobs.policy.other_clients import IMPORTED
from jobs.policy.preflight_report import Report
from jobs.policy.problems import problem
from jobs.policy.served_watch import State
from jobs.policy.site import WantedName, Website
from jobs.policy.split import taken_names, wants
from jobs.summaries import names_apart
from jobs.wiring.instance import Instance, now


@dataclass(frozen=True)
class NameRow:
    """One name as its owner sees it. `own`: the website lists it itself; else it is tried beside the others.
    `ours`: its certificate was ordered here, or taken over; `later`: then it is tried only when that one is renewed."""

    name: str
    website: str
    kind: str
    own: bool
    state: NameState
    code: str = ""
    title: str = ""
    text: str = ""
    remedy: str = ""
    since: datetime | None = None
    retry_at: datetime | None = None
    issuer: str = ""
    not_after: datetime | None = None
    ours: bool = True
    later: bool = False


@dataclass(frozen=True)
class ServiceRow:
    """What a service presented as of the last check, or of the watch's last look. `state`: see `models.ServiceState`,
    or "differs": it serves something else than is installed. `certificate`: the one that it presented instead of the
    website's own, if any; `client`: the other program that looks after that; `looked_at`: when somebody looked."""

    service: str
    state: str
    text: str
    looked_at: datetime
    retry_at: datetime | None = None
    certificate: Certificate | None = None
    client: str = ""


@dataclass(frozen=True)
class SiteStatus:
    """One website. `certificate`: the one that was ordered here, else (`ours` is False then) the valid one of somebody
    else's that the web server presents. `trouble`: the problem of the website as a whole. `part_of`: the website of
    which this one holds names that have no room on its certificate. `renewal`: when the CA would like it renewed.
    `takeover`: certificates of somebody else's are replaced on it."""

    website: str
    names: tuple[NameRow, ...]
    certificate: Certificate | None
    services: tuple[ServiceRow, ...]
    ours: bool = True
    trouble: records.NameTrouble | None = None
    rejected: tuple[tuple[str, str], ...] = ()
    part_of: str | None = None
    renewal: Renewal | None = None
    takeover: bool = False

    @property
    def keeper(self) -> str:
        """The other program that looks after what the web server presents, if it is known."""
        shown = (one for one in self.services if one.service in WEB_SERVICES and one.state == presented.FOREIGN)
        return next((one.client for one in shown if one.client), "")

    @property
    def importable(self) -> bool:
        return self.keeper in IMPORTED

    @property
    def early(self) -> bool:
        """Whether the CA wants it renewed clearly before its time."""
        return self.certificate is not None and asked_early(self.certificate)

    @property
    def problem(self) -> str:
        return self.trouble.text if self.trouble else ""

    @property
    def remedy(self) -> str:
        return problem(self.trouble.code).remedy if self.trouble else ""

    @property
    def covered(self) -> int:
        """How many of the names that count are covered by a certificate that holds."""
        return sum(row.state in (NameState.COVERED, NameState.EXPIRING) for row in self.names)

    @property
    def wanted(self) -> int:
        return sum(row.state not in (NameState.EXCLUDED, NameState.NOT_IN_USE) for row in self.names)


@dataclass(frozen=True)
class _Kept:
    """The rows of the websites in question."""

    live: Mapping[str, Certificate]
    foreign: Mapping[str, Certificate]
    troubles: Mapping[str, Mapping[str, records.NameTrouble]]
    services: Mapping[str, tuple[ServiceRow, ...]]
    excluded: Collection[str]
    windows: Mapping[str, Renewal]
    taken_over: Collection[str]


def account_status(instance: Instance, account: str) -> list[SiteStatus]:
    """Every website of an account, in the order in which they were found. As many queries for one as for a thousand."""
    known = entitlement(account)
    sites = records.websites([account])
    mains = [site.main for site in sites]
    kept = _Kept(
        records.live_certificates(mains),
        presented.foreign(mains),
        records.troubles(mains),
        _services(mains),
        records.exclusions([account]).get(account, frozenset()),
        renewals.windows(mains),
        records.taken_over([account]),
    )
    labels = known.features.service_names if known else None
    labels = instance.config.check.service_names if labels is None else labels
    wanted = wants(sites, {account: labels}, {}, taken_names(sites))
    return [_site(site, wanted[site.main].names, kept) for site in sites]


def name_status(instance: Instance, account: str, name: str) -> tuple[SiteStatus, NameRow] | None:
    """One name of an account, and its website; None if the account has no such name."""
    found = ((site, row) for site in account_status(instance, account) for row in site.names if row.name == name)
    return next(found, None)


def preflight_of(row: NameRow) -> tuple[Report, datetime] | None:
    """What the preflight saw of the name when it failed last, and when; None where nothing of it was kept."""
    return troubles.report(row.website, row.name) if row.code else None


def entitlement(account: str) -> Entitlement | None:
    """What the account has, and whether AutoSSL is on for it; None if there is no such account."""
    return records.accounts([account]).get(account)


def _site(site: Website, wanted: tuple[WantedName, ...], kept: _Kept) -> SiteStatus:
    certificate = kept.foreign.get(site.main) or kept.live.get(site.main)
    ours = site.main not in kept.foreign
    known = {**_of_whole(site, kept), **kept.troubles.get(site.main, {})}
    moment = now()
    return SiteStatus(
        site.main,
        tuple(_name(site.main, name, certificate, ours, known, kept.excluded, moment) for name in wanted),
        certificate,
        kept.services.get(site.main, ()),
        ours,
        known.get(""),
        site.rejected,
        site.part_of,
        kept.windows.get(site.main) if ours else None,
        (site.part_of or site.main) in kept.taken_over,
    )


def _of_whole(site: Website, kept: _Kept) -> dict[str, records.NameTrouble]:
    """What a part's website lacks of the part's names: its web server can't present them."""
    whole = kept.troubles.get(site.part_of or "", {})
    apart = names_apart({name: trouble.code for name, trouble in whole.items()})
    return {name: trouble for name, trouble in whole.items() if name in apart}


def _name(
    website: str,
    wanted: WantedName,
    certificate: Certificate | None,
    ours: bool,
    known: Mapping[str, records.NameTrouble],
    excluded: Collection[str],
    moment: datetime,
) -> NameRow:
    """The website's own problem stands at a name that lacks a certificate, or is about to."""
    trouble, whole = known.get(wanted.fqdn), known.get("")
    apart = trouble is not None and trouble.code == SPLIT_OFF
    covered = certificate is not None and not apart and covers(certificate.names, wanted.fqdn)
    holds = certificate if covered and certificate and certificate.revoked_at is None else None
    unused = trouble is not None and trouble.code == UNUSED
    concern = None if unused else trouble or whole
    state = name_state(holds, wanted.fqdn in excluded, unused, concern is not None, moment)
    reason = trouble if state is NameState.COVERED else concern
    if state in (NameState.EXCLUDED, NameState.NOT_IN_USE) or reason is None or reason.code == UNUSED:
        reason = None
    entry = problem(reason.code) if reason else None
    return NameRow(
        wanted.fqdn,
        website,
        str(wanted.kind),
        wanted.own,
        state,
        code=entry.code if entry else "",
        title=entry.title if entry else "",
        text=reason.text if reason else "",
        remedy=entry.remedy if entry else "",
        since=reason.since if reason else None,
        retry_at=reason.retry_at if reason else None,
        issuer=holds.issuer if holds else "",
        not_after=holds.not_after if holds else None,
        ours=ours,
        later=certificate is not None and bool(certificate.taken_from) and not wanted.own,
    )


def _services(mains: list[str]) -> dict[str, tuple[ServiceRow, ...]]:
    found: dict[str, tuple[ServiceRow, ...]] = {}
    rows = models.ServiceState.select().where(models.ServiceState.website.in_(mains))
    for row in rows.order_by(models.ServiceState.service):
        differs = row.state == "installed" and row.served_state == State.DIFFERS
        state, looked = State.DIFFERS if differs else row.state, max(row.checked_at, row.served_at or row.checked_at)
        shown = ServiceRow(row.service, state, row.text, looked, row.retry_at, presented.certificate(row),
                           row.client or "")
        found[row.website] = (*found.get(row.website, ()), shown)
    return found
