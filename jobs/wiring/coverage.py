"""Each name of an account with certificate, problem and remedy: the SSL/TLS Status page, of rows only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import models
from jobs import records, summaries
from jobs.policy.certificate import Certificate
from jobs.policy.name_state import NameState, name_state
from jobs.policy.names import covers, wanted_names
from jobs.policy.plan import UNUSED
from jobs.policy.problems import problem
from jobs.policy.site import Website
from jobs.wiring.instance import Instance, now


@dataclass(frozen=True)
class NameRow:
    """One name as its owner sees it. `own`: the website lists it itself; else it is tried beside the others."""

    name: str
    website: str
    kind: str
    own: bool
    state: NameState
    code: str = ""
    title: str = ""
    text: str = ""
    remedy: str = ""
    retry_at: datetime | None = None
    issuer: str = ""
    not_after: datetime | None = None


@dataclass(frozen=True)
class SiteStatus:
    """One website: its names, and what each service presents for it as of the last check."""

    website: str
    names: tuple[NameRow, ...]
    certificate: Certificate | None
    services: dict[str, tuple[str, str]]
    problem: str = ""
    remedy: str = ""


def account_status(instance: Instance, account: str) -> list[SiteStatus]:
    """Every website of an account, in the order in which they were found."""
    sites = records.websites([account])
    known = records.accounts()
    mains = [site.main for site in sites]
    live, troubles = records.live_certificates(mains), records.troubles(mains)
    excluded = records.exclusions().get(account, frozenset())
    labels = known[account].features.service_names if account in known else None
    labels = instance.config.check.service_names if labels is None else labels
    states = _service_states(mains)
    return [
        _site(site, labels, excluded, live.get(site.main), troubles.get(site.main, {}), states.get(site.main, {}))
        for site in sites
    ]


def _site(
    site: Website,
    labels: tuple[str, ...],
    excluded: frozenset[str],
    certificate: Certificate | None,
    troubles: dict[str, records.NameTrouble],
    services: dict[str, tuple[str, str]],
) -> SiteStatus:
    moment, whole = now(), troubles.get("")
    rows = []
    for wanted in wanted_names(site, labels, frozenset()):
        trouble = troubles.get(wanted.fqdn)
        covered = certificate is not None and covers(certificate.names, wanted.fqdn)
        unused = trouble is not None and trouble.code == UNUSED
        reason = None if unused else trouble or (None if covered else whole)
        ends = certificate.not_after if certificate and covered else None
        state = name_state(covered, ends, wanted.fqdn in excluded, unused, reason is not None, moment)
        shown = state not in (NameState.EXCLUDED, NameState.NOT_IN_USE) and reason is not None
        entry = problem(reason.code) if shown and reason else None
        rows.append(
            NameRow(
                wanted.fqdn,
                site.main,
                str(wanted.kind),
                wanted.own,
                state,
                code=entry.code if entry else "",
                title=entry.title if entry else "",
                text=reason.text if entry and reason else "",
                remedy=entry.remedy if entry else "",
                retry_at=reason.retry_at if entry and reason else None,
                issuer=certificate.issuer if certificate and covered else "",
                not_after=ends,
            )
        )
    rest = problem(whole.code).remedy if whole else ""
    return SiteStatus(site.main, tuple(rows), certificate, services, whole.text if whole else "", rest)


def _service_states(mains: list[str]) -> dict[str, dict[str, tuple[str, str]]]:
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for row in models.ServiceState.select().where(models.ServiceState.website.in_(mains)):
        found.setdefault(row.website, {})[row.service] = (row.state, row.text)
    return found


def refresh_figures(instance: Instance, accounts: list[str] | None = None) -> None:
    """Count the figures of accounts anew, after something that changes which names are wanted."""
    summaries.refresh(accounts, instance.config.check.service_names)
