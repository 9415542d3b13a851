"""Zones and names as the command line asks for them: who serves what, what we put there, what DNS says of a name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import models
from jobs import records
from jobs.policy.delegation import Delegation, standing
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.persist import Wanted, judge
from jobs.policy.problems import problem
from jobs.policy.site import InvalidName, hostname
from jobs.preflight.caa_changes import Issuer
from jobs.preflight.permission import Permission, permit
from jobs.preflight.resolver import Found, lookup_by
from jobs.preflight.wire import Status
from jobs.report import stamp
from jobs.wiring import options, provider_rows, zone_rights
from jobs.wiring.dns_advice import Advice, advice
from jobs.wiring.instance import Instance, now
from jobs.wiring.parts import zones
from jobs.zones import Zones

LONGEST_CAA = 60.0
"""Seconds in which the CAA records of a name have to be found."""

_UNKNOWN = (Status.SERVFAIL, Status.TIMEOUT, Status.LOOP)


def served(instance: Instance, account: str | None = None) -> dict[str, Any]:
    """Every name of the websites of `account` or of all, with the backend that serves its zone, if one does."""
    known = zones(instance)
    found = []
    for site in records.websites(None if account is None else [account]):
        for name in site.names:
            serving = known.serving(name)
            found.append({
                "account": site.account, "website": site.main, "name": name,
                "zone": serving.zone if serving else None, "backend": serving.backend.name if serving else None,
            })
    return {"names": found, "assigned": zone_rights.assigned(), "troubles": _troubles(known)}


def put() -> list[dict[str, Any]]:
    """What we put into zones and have not taken away."""
    rows = models.DnsRecord.select().order_by(models.DnsRecord.zone, models.DnsRecord.name, models.DnsRecord.id)
    return [
        {
            "zone": row.zone, "backend": row.backend, "name": row.name, "kind": row.kind, "value": row.value,
            "purpose": row.purpose, "provider": row.provider, "put_at": stamp(row.put_at),
        }
        for row in rows
    ]


def show(instance: Instance, text: str) -> dict[str, Any]:
    """All there is to say of the DNS of one name, asked now; nothing is written.

    Raises Failure("name_invalid"), Failure("config_invalid"), Failure("dns_no_resolver").
    """
    try:
        name = hostname(text)
    except InvalidName as error:
        raise Failure("name_invalid", f"{text[:260]!r}: {error}", permanent=True) from error
    issuer, silent = _issuer()
    known, advised = zones(instance), advice(instance, name)
    known.rights = zone_rights.rights().with_proven(zone_rights.secured())
    lead, caa, standing_now = asyncio.run(_look(instance, known, name, advised, issuer))
    serving = known.serving(name)
    return {
        "name": name,
        "zone": serving.zone if serving else None,
        "backend": serving.backend.name if serving else None,
        "delegation": _delegation(known, advised.delegation, lead),
        "caa": _caa(caa),
        "lasting": [_lasting(want, found) for want, found in zip(advised.lasting, standing_now, strict=True)],
        "troubles": [*_troubles(known), *silent],
    }


def _issuer() -> tuple[Issuer | None, list[dict[str, Any]]]:
    """The CA in use as CAA records name it, asked now; that it doesn't answer is a trouble, and no more."""
    row = models.Provider.get_or_none(models.Provider.current)
    if row is None:
        return None, []
    provider = provider_rows.bare(row)
    try:
        provider_rows.asked(row, provider)
        silent = []
    except Failure as failure:
        silent = [{"of": row.name, "code": failure.code, "text": failure.detail}]
    former = tuple(json.loads(row.former_accounts or "[]"))
    return Issuer(provider.specs().caa_identities, row.account_url, row.name, former), silent


async def _look(
    instance: Instance, known: Zones, name: str, advised: Advice, issuer: Issuer | None
) -> tuple[Found | None, Permission | None, Sequence[Found]]:
    """Every question at once: the challenge's name, CAA, the lasting records."""
    config = instance.config
    lookup = lookup_by(config.dns.resolvers, config.validation.timeout)
    method = "dns-01" if name.startswith("*.") else "http-01"

    async def lead() -> Found | None:
        return await lookup.ask(advised.delegation.owner, "TXT") if advised.delegation else None

    async def caa() -> Permission | None:
        if issuer is None:
            return None
        mode = options.load(config).caa
        return (await permit(lookup, known, {name: method}, {name}, issuer, mode, False, LONGEST_CAA))[name]

    found = await asyncio.gather(lead(), caa(), *(lookup.ask(want.owner, "TXT") for want in advised.lasting))
    return found[0], found[1], found[2:]


def _delegation(known: Zones, wanted: Delegation | None, found: Found | None) -> dict[str, Any] | None:
    if wanted is None or found is None:
        return None
    target = found.trail[0] if found.trail else None
    is_set, words = standing(wanted, target, bool(found.values) and target is None)
    if target is None and found.status in _UNKNOWN:
        words = f"{wanted.owner} can't be looked up: {found.detail or found.status}"
    serving = known.serving(wanted.target, "TXT")
    return {
        "record": str(wanted), "owner": wanted.owner, "target": wanted.target, "set": is_set, "text": words,
        "backend": serving.backend.name if serving else None,
    }


def _caa(found: Permission | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "allowed": found.finding is None,
        **_told(found.finding),
        "record": found.record,
        "remarks": [_told(one) for one in found.remarks],
    }


def _lasting(want: Wanted, found: Found) -> dict[str, Any]:
    if found.status in _UNKNOWN:
        finding = Finding("dns_servfail", f"{want.owner} can't be looked up: {found.detail or found.status}")
        return {"name": want.name, "record": str(want), "stands": False, "until": None, **_told(finding)}
    found_so = judge(want, [_text(value) for value in found.values], now())
    return {
        "name": want.name, "record": str(want), "stands": found_so.stands, "until": stamp(found_so.until),
        **_told(found_so.finding),
    }


def _text(value: Any) -> str:
    """A TXT value's strings, joined as the CA joins them."""
    return b"".join(value.strings).decode("latin-1")


def _told(finding: Finding | None) -> dict[str, str]:
    if finding is None:
        return {"code": "", "text": "", "remedy": ""}
    return {"code": finding.code, "text": finding.text, "remedy": problem(finding.code).remedy}


def _troubles(known: Zones) -> list[dict[str, Any]]:
    return [
        {"of": name, "code": failure.code, "text": failure.detail} for name, failure in sorted(known.troubles.items())
    ]
