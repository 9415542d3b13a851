"""Steps 1 and 2: which accounts may be checked, and what is known of each of their websites before deciding."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import models
from jobs import queue, records, revocations
from jobs.abilities import expect, holds_several
from jobs.config import Check
from jobs.policy.certificate import Certificate, issued_here
from jobs.policy.coverage import OVER_CAP, SPLIT_OFF, UNUSED
from jobs.policy.decision import FOREIGN_INVALID, Presented, SiteFacts, Wait
from jobs.policy.failure import Failure
from jobs.policy.features import FeatureList, why_skipped
from jobs.policy.site import WantedName, Website
from jobs.policy.specs import Specs
from jobs.policy.split import Wants, taken_names, wants
from jobs.policy.verdict import Verdict
from jobs.policy.wildcard import Neighbours
from jobs.ports import Installed, ServiceTarget
from jobs.record import say_bug
from jobs.runlog import RunLog
from jobs.waiting import is_waiting

_FEW = 100
"""Of so many websites the rows are asked for by name; for more, each table is read as a whole."""


def allowed(asked: Collection[str] | None, log: RunLog) -> dict[str, FeatureList]:
    """The accounts to check, each with its feature list; each that is skipped is logged with its reason."""
    chosen: dict[str, FeatureList] = {}
    for name, entitlement in records.accounts(asked).items():
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
    specs: Specs,
    now: datetime,
    log: RunLog,
) -> list[SiteFacts]:
    """What is known of every website; rows are read once for all of them, configurations once a service. Parts must
    come with the website that they are of."""
    everybody = [site for site in records.websites() if site.part_of is None]
    main_domains: dict[str, str] = {}
    for site in everybody:
        main_domains.setdefault(site.account, site.main)
    neighbours, excluded = Neighbours(everybody), records.exclusions()
    few = [site.main for site in websites] if len(websites) <= _FEW else None
    troubles, standings = records.troubles(few), records.standings(few)
    stored, pending = records.live_certificates(few), queue.active_orders()
    known, watched = records.known_fingerprints(), revocations.on_watch()
    judge = partial(_judged, known, watched, specs.issuer_organizations, revocations.revoked(), now)
    taken_over = records.taken_over()
    labels = {name: service_labels(own, options) for name, own in features.items()}
    wanted = wants(websites, labels, excluded, taken_names(everybody))
    for service in services:
        expect(service, websites)
    found = []
    for site in websites:  # what was read of it is taken out as it goes: of many websites it is large
        own, waits = wanted[site.main], _waits(troubles.pop(site.main, {}), now)
        if _room_for_all(own, waits, specs.max_names):
            own = Wants((*own.names, *own.elsewhere))
            waits = {name: wait for name, wait in waits.items() if wait.code not in (OVER_CAP, SPLIT_OFF)}
        seen = _presented(site, services, judge, log)
        found.append(
            SiteFacts(
                website=site,
                wanted=own.names,
                stored=stored.get(site.main),
                presented=seen,
                waits=waits,
                **_standing(standings.pop(site.main, {})),
                **_order(pending.get(site.main)),
                main_domain=site.main if site.part_of else main_domains[site.account],
                elsewhere=own.elsewhere,
                several=tuple(service.name for service in services if service.name in seen and holds_several(service)),
                takeover=site.main in taken_over or site.part_of in taken_over,
                barred=_barred(site, own.names, neighbours, excluded, stored.get(site.main)),
            )
        )
    return found


def service_labels(features: FeatureList, options: Check) -> tuple[str, ...]:
    """The service names that are tried for an account."""
    return options.service_names if features.service_names is None else features.service_names


def has_to_do(service: ServiceTarget, site: Website) -> bool:
    """Whether a service has anything to serve for a website. One that presents a single certificate a website has
    nothing to do with a part. Raises Failure."""
    return (site.part_of is None or holds_several(service)) and service.concerns(site)


def _room_for_all(own: Wants, waits: Mapping[str, Wait], max_names: int | None) -> bool:
    """Whether one certificate has room for every name that is in use: those of parts come back then."""
    everything = (*own.names, *own.elsewhere)
    used = [name for name in everything if name.fqdn not in waits or waits[name.fqdn].code != UNUSED]
    return max_names is None or len(used) <= max_names


def _barred(
    site: Website, wanted: Sequence[WantedName], neighbours: Neighbours, excluded: Mapping[str, Collection[str]],
    stored: Certificate | None,
) -> dict[str, str]:
    out = excluded.get(site.account, frozenset())
    stands = stored.names if stored else ()
    bases = dict.fromkeys(name.fqdn.removeprefix("*.") for name in wanted)
    reasons = {base: neighbours.why_not(base, site.account, out, stands) for base in bases}
    return {base: why for base, why in reasons.items() if why}


def _presented(
    site: Website,
    services: Sequence[ServiceTarget],
    judge: Callable[[Installed | None], Presented | None],
    log: RunLog,
) -> dict[str, Presented | None]:
    """What each service that concerns the website presents; a service that can't be read says so in `detail`."""
    found: dict[str, Presented | None] = {}
    for service in services:
        try:
            if has_to_do(service, site):
                found[service.name] = judge(service.installed(site))
        except Failure as failure:
            found[service.name] = Presented(None, detail=failure.detail, unknown=True)
        except Exception as error:  # noqa: BLE001 a bug of one service must not end everybody's check
            bug = say_bug(log, site, f"looking at {service.name}", error)
            found[service.name] = Presented(None, detail=bug.detail, unknown=True)
    return found


def _judged(
    known: frozenset[str],
    watched: frozenset[str],
    organizations: tuple[str, ...],
    revoked: Mapping[str, datetime],
    now: datetime,
    installed: Installed | None,
) -> Presented | None:
    """Whose it is, and whether its CA has revoked it: for one that was not ordered here, that is looked at from now on.
    """
    if installed is None:
        return None
    certificate = installed.certificate
    if certificate is None:
        return Presented(None, installed.ours, False, True, installed.detail)
    if installed.chain and not certificate.self_signed and certificate.fingerprint not in known | watched:
        revocations.watch(installed.chain, None, now)
    ours = issued_here(certificate, installed.keeper, known, organizations)
    certificate = replace(certificate, revoked_at=revoked.get(certificate.fingerprint))
    return Presented(certificate, installed.ours, ours, False, installed.detail, keeper=installed.keeper)


def _standing(known: Mapping[str, records.Standing]) -> dict[str, Any]:
    return {
        "service_waits": {name: one.retry_at for name, one in known.items() if one.retry_at is not None},
        "stopped": frozenset(name for name, one in known.items() if one.state == "waiting"),
    }


def _order(row: models.QueueEntry | None) -> dict[str, Any]:
    if row is None or is_waiting(row):
        return {"parked": row is not None}
    return {"ordered_wait": row.run_after, "under_way": under_way(row), "ordered_at": row.provider or ""}


def under_way(row: models.QueueEntry | None) -> dict[str, Verdict]:
    """How the names of an order that is under way are validated, see `jobs/order.py`."""
    if row is None:
        return {}
    order = json.loads(row.payload)
    methods, ancestors = order.get("methods", {}), order.get("ancestors", {})
    found = {}
    for name in order["names"]:
        usual = "dns-01" if name.startswith("*.") else "http-01"
        above = ancestors.get(name, "")
        found[name] = Verdict(name, True, methods.get(above or name, usual), ancestor=above)
    return found


def _waits(troubles: Mapping[str, records.NameTrouble], now: datetime) -> dict[str, Wait]:
    return {
        name: Wait(trouble.retry_at, trouble.code, trouble.text)
        for name, trouble in troubles.items()
        if trouble.retry_at is not None and trouble.retry_at > now and trouble.code != FOREIGN_INVALID
    }
