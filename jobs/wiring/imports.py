"""`autossl import`: lineages of another client become certificates of ours, with their keys and dates.

The next check finds them stored, installs them through our links and orders nothing; from then on they are renewed
here. Nothing of the other client is changed: how its own renewals are ended is told.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import models
from jobs import queue, records, renewals, summaries
from jobs.abilities import expect
from jobs.durable import durable
from jobs.ledger import Issued, Ledger, asked
from jobs.lineages import read_lineages
from jobs.policy.decision import WEB_SERVICES
from jobs.policy.due import due_at
from jobs.policy.failure import Failure
from jobs.policy.features import why_skipped
from jobs.policy.lineage import Candidate, Lineage, Offer, Proven, Shown, offers
from jobs.policy.names import covers
from jobs.policy.other_clients import Client
from jobs.policy.proof import prove, read_certificate
from jobs.policy.site import Website, is_hostname
from jobs.policy.specs import Specs
from jobs.ports import ServiceTarget
from jobs.report import stamp
from jobs.store import store
from jobs.wiring import provider_rows, takeover
from jobs.wiring.instance import Instance, now
from jobs.wiring.parts import key_group, services
from jobs.wiring.setup import LOCK


def read(client: str, directory: Path) -> list[Lineage]:
    """What a client keeps in its directory, as values; only for root, and without an instance. Raises
    Failure("not_root"), Failure("unreadable")."""
    if os.geteuid() != 0:
        words = "the keys of other clients are root's, so only root can have them taken over"
        raise Failure("not_root", f"{words}; run it as root, or with sudo", permanent=True)
    return read_lineages(Client(client), directory)


def adopt(
    instance: Instance,
    lineages: Sequence[Lineage],
    websites: Collection[str] | None = None,
    plan_only: bool = False,
    on_wait: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Take the lineages over for the websites whose names they cover (all, or these), or only show it. It waits for a
    check that is under way.

    Raises Failure("provider_disabled") where nobody would renew them, Failure("website_unknown").
    """
    current = models.Provider.get_or_none(models.Provider.current)
    if current is None:
        words = "AutoSSL is disabled, and would renew nothing of what it takes over. Choose a provider first:"
        raise Failure("provider_disabled", f"{words} autossl provider use letsencrypt --accept-terms", permanent=True)
    test = provider_rows.bare(current).specs().test
    moment = now()
    proven, refused = _proven(lineages, test, moment)
    if plan_only:
        return _report([*refused, *_offers(instance, proven, websites, moment)], plan_only)
    with queue.instance_lock(instance.place.instance / LOCK, on_wait, give_up=lambda: False):
        group = key_group(services(instance))
        found = [_taken(instance, one, group, moment) for one in _offers(instance, proven, websites, moment)]
        _count(found, moment)
    accounts = {one.account for one in found if one.adopted}
    summaries.refresh(accounts, instance.config.check.service_names)
    return _report([*refused, *found], plan_only)


def _proven(lineages: Sequence[Lineage], test: bool, moment: datetime) -> tuple[list[Proven], list[Offer]]:
    """Each is proven like what a CA has just sent; and why others can't be taken."""
    good, bad = [], []
    for one in lineages:
        if one.bundle is None:
            bad.append(Offer(one, why=one.trouble))
            continue
        try:
            names = _names(one)
            leaf = prove(one.bundle, names, moment, allow_test=test)
            good.append(Proven(one, replace(leaf, taken_from=str(one.client))))
        except Failure as failure:
            bad.append(Offer(one, why=failure.detail))
    return good, bad


def _names(lineage: Lineage) -> tuple[str, ...]:
    """What it is to be for is what it says, as long as these are names that can be ours."""
    assert lineage.bundle is not None
    names = read_certificate(lineage.bundle.leaf).names
    odd = [name for name in names if not is_hostname(name)]
    if odd:
        raise Failure("name_invalid", f"{odd[0]!r} on it is no host name")
    return names


def _offers(
    instance: Instance, proven: Sequence[Proven], chosen: Collection[str] | None, moment: datetime
) -> list[Offer]:
    """Where only some websites are asked for, nothing is said of what is nobody's."""
    sites = [site for site in records.websites() if site.part_of is None]
    if chosen is not None:
        unknown = sorted({*chosen} - {site.main for site in sites})
        if unknown:
            words = f"{unknown[0]}: there is no such website; see `autossl website list`"
            raise Failure("website_unknown", words, permanent=True)
        sites = [site for site in sites if site.main in chosen]
    names = {name for one in proven for name in one.certificate.names}
    sites = [site for site in sites if any(covers(names, name) for name in site.names)]
    found = offers(proven, _candidates(instance, sites, chosen is not None, moment), moment)
    return found if chosen is None else [one for one in found if one.website]


def _candidates(instance: Instance, sites: Sequence[Website], named: bool, moment: datetime) -> list[Candidate]:
    accounts, excluded = records.accounts(), records.exclusions()
    live, orders = records.live_certificates(), queue.active_orders()
    row, had = models.Certificate, dict[str, set[str]]()
    for website, fingerprint in row.select(row.website, row.fingerprint).tuples():
        had.setdefault(website, set()).add(fingerprint)
    shown, troubles = _shown(services(instance), sites, moment)

    def off(site: Website) -> str:
        if site.account not in accounts:
            return "its account is gone"
        if site.main in orders:
            return "an order for it is under way"
        skipped = why_skipped(accounts[site.account]).removeprefix("skipped: ")
        return f"AutoSSL would not renew it: {skipped}" if skipped else troubles.get(site.main, "")

    return [
        Candidate(
            site.main, site.account,
            tuple(name for name in site.names if name not in excluded.get(site.account, ())),
            live.get(site.main), tuple(shown.get(site.main, ())), had.get(site.main, ()), off(site), named,
        )
        for site in sites
    ]


def _shown(
    present: Sequence[ServiceTarget], sites: Sequence[Website], moment: datetime
) -> tuple[dict[str, list[Shown]], dict[str, str]]:
    """What the web servers present for these websites now, as far as it is somebody else's and good; and why that can't
    be told."""
    found: dict[str, list[Shown]] = {}
    troubles: dict[str, str] = {}
    for service in (one for one in present if one.name in WEB_SERVICES):
        expect(service, sites)
        for site in sites:
            try:
                one = service.installed(site) if service.concerns(site) else None
            except Failure as failure:
                troubles[site.main] = f"{service.name} can't be asked what it presents: {failure.detail}"
                continue
            if one is None or one.ours or one.certificate is None or one.certificate.self_signed:
                continue
            if one.certificate.not_after > moment:
                shown = Shown(one.certificate.fingerprint, one.certificate.issuer, one.keeper)
                found.setdefault(site.main, []).append(shown)
    return found, troubles


def _taken(instance: Instance, offer: Offer, group: int | None, moment: datetime) -> Offer:
    """Store the set, then its rows in one transaction; a set without its row is swept like any other."""
    if not offer.adopted or offer.certificate is None or offer.lineage.bundle is None:
        return offer
    bundle, found = offer.lineage.bundle, offer.certificate
    provider = provider_of(offer.lineage.server)
    try:
        store(instance.place, offer.website, bundle, found, group)
    except Failure as failure:
        return replace(offer, adopted=False, why=failure.detail)
    with durable(), models.database.atomic():
        records.keep_certificate(offer.website, found, provider, due_at(found), moment)
        renewals.follow(bundle.chain, provider, None, moment)
        takeover.switch([offer.website], True)
    return offer


def provider_of(server: str) -> str:
    """The provider here whose directory that is; empty when there is none, and then nobody is asked about it."""
    for row in provider_rows.every_row():
        specs = _specs(row)
        if server and specs is not None and specs.directory.rstrip("/") == server.rstrip("/"):
            return str(row.name)
    return ""


def _specs(row: models.Provider) -> Specs | None:
    try:
        specs: Specs = provider_rows.bare(row).specs()
    except Failure:
        return None  # a provider whose options don't hold is told elsewhere
    return specs


def _count(found: Sequence[Offer], moment: datetime) -> None:
    """What the CA has counted in its limits counts here as well, each certificate once and by its own date."""
    taken = {one.certificate.fingerprint: one for one in found if one.adopted and one.certificate is not None}
    issued: dict[str, list[Issued]] = {}
    for one in taken.values():
        assert one.certificate is not None
        ask = replace(asked(one.website, one.certificate.names), renewal=one.lineage.renewal)
        issued.setdefault(provider_of(one.lineage.server), []).append(Issued(ask, one.certificate.not_before))
    for provider, certificates in issued.items():
        if provider:
            limits = provider_rows.bare(provider_rows.row_of(provider)).specs().limits
            Ledger(provider, limits).count_issued(certificates, moment)


def _report(found: Sequence[Offer], plan_only: bool) -> dict[str, Any]:
    taken = [one for one in found if one.adopted]
    return {
        "plan": plan_only,
        "lineages": [
            {
                "client": str(one.lineage.client), "name": one.lineage.name, "website": one.website or None,
                "account": one.account or None, "adopted": one.adopted, "why": one.why, "remedy": one.remedy,
                "names": list(one.certificate.names) if one.certificate else [],
                "issuer": one.certificate.issuer if one.certificate else None,
                "serial": one.certificate.serial if one.certificate else None,
                "not_after": stamp(one.certificate.not_after if one.certificate else None),
            }
            for one in found
        ],
        "adopted": len(taken),
        "stop": list(dict.fromkeys(one.lineage.stop for one in taken)),
    }
