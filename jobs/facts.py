"""Steps 1 and 2: which accounts may be checked, and what is known of each of their websites before deciding."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import models
from jobs import queue, records
from jobs.config import Check
from jobs.policy.certificate import issued_here
from jobs.policy.decision import Presented, SiteFacts, Wait
from jobs.policy.failure import Failure
from jobs.policy.features import FeatureList, why_skipped
from jobs.policy.names import wanted_names
from jobs.policy.site import Website
from jobs.ports import Installed, ServiceTarget
from jobs.record import say_bug
from jobs.runlog import RunLog


def allowed(asked: Collection[str] | None, log: RunLog) -> dict[str, FeatureList]:
    """The accounts to check, each with its feature list; each that is skipped is logged with its reason."""
    chosen: dict[str, FeatureList] = {}
    for name, entitlement in records.accounts().items():
        if asked is not None and name not in asked:
            continue
        reason = why_skipped(entitlement)
        if reason:
            log.say("warn", reason, account=name, code="account_skipped")
        else:
            chosen[name] = entitlement.features
    return chosen


def gather(
    websites: Sequence[Website],
    services: Sequence[ServiceTarget],
    features: Mapping[str, FeatureList],
    options: Check,
    organizations: tuple[str, ...],
    now: datetime,
    log: RunLog,
) -> list[SiteFacts]:
    """What is known of every website; rows are read once for all of them, configurations once a service."""
    everybody = records.websites()
    owners = {name: site.main for site in everybody for name in site.names}
    main_domains: dict[str, str] = {}
    for site in everybody:
        main_domains.setdefault(site.account, site.main)
    excluded, troubles, standings = records.exclusions(), records.troubles(), records.standings()
    stored, pending = records.live_certificates(), queue.active_orders()
    known = records.known_fingerprints()
    return [
        SiteFacts(
            website=site,
            wanted=wanted_names(
                site, _labels(features[site.account], options), excluded.get(site.account, frozenset()), owners
            ),
            stored=stored.get(site.main),
            presented=_presented(site, services, known, organizations, log),
            waits=_waits(troubles.get(site.main, {}), now),
            service_waits={
                name: standing.retry_at
                for name, standing in standings.get(site.main, {}).items()
                if standing.retry_at is not None
            },
            stopped=frozenset(
                name for name, standing in standings.get(site.main, {}).items() if standing.state == "waiting"
            ),
            ordered=_ordered(pending.get(site.main)),
            ordered_wait=pending[site.main].run_after if site.main in pending else None,
            main_domain=main_domains[site.account],
        )
        for site in websites
    ]


def _labels(features: FeatureList, options: Check) -> tuple[str, ...]:
    return options.service_names if features.service_names is None else features.service_names


def _presented(
    site: Website,
    services: Sequence[ServiceTarget],
    known: frozenset[str],
    organizations: tuple[str, ...],
    log: RunLog,
) -> dict[str, Presented | None]:
    """What each service that concerns the website presents; a service that can't be read says so in `detail`."""
    found: dict[str, Presented | None] = {}
    for service in services:
        try:
            if service.concerns(site):
                found[service.name] = _judged(service.installed(site), known, organizations)
        except Failure as failure:
            found[service.name] = Presented(None, detail=failure.detail, unknown=True)
        except Exception as error:  # noqa: BLE001 a bug of one service must not end everybody's check
            bug = say_bug(log, site, f"looking at {service.name}", error)
            found[service.name] = Presented(None, detail=bug.detail, unknown=True)
    return found


def _judged(installed: Installed | None, known: frozenset[str], organizations: tuple[str, ...]) -> Presented | None:
    if installed is None:
        return None
    certificate = installed.certificate
    path = str(installed.path) if installed.path else None
    ours = certificate is not None and issued_here(certificate, path, known, organizations)
    return Presented(certificate, installed.ours, ours, certificate is None, installed.detail)


def _ordered(row: models.QueueEntry | None) -> tuple[str, ...]:
    """The names of an order that is under way."""
    return tuple(json.loads(row.payload)["names"]) if row else ()


def _waits(troubles: Mapping[str, records.NameTrouble], now: datetime) -> dict[str, Wait]:
    return {
        name: Wait(trouble.retry_at, trouble.code, trouble.text)
        for name, trouble in troubles.items()
        if trouble.retry_at is not None and trouble.retry_at > now
    }
