"""What is covered and what is served now, per account, website, name and service; nothing is changed."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import models
from jobs import records
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.names import covers
from jobs.policy.site import Website
from jobs.ports import Served, ServiceTarget
from jobs.report import stamp
from jobs.wiring.instance import Instance, now
from jobs.wiring.parts import services

PROBES = 8


def status(instance: Instance, account: str | None = None) -> dict[str, Any]:
    """Every website of `account` or of all: per name covered or the reason, per service what a handshake shows."""
    if account is not None and models.Account.get_or_none(models.Account.name == account) is None:
        words = f"{account}: there is no such account; see `autossl account list`"
        raise Failure("account_unknown", words, permanent=True)
    websites = records.websites(None if account is None else [account])
    live = records.live_certificates()
    troubles, standings = records.troubles(), records.standings()
    present = services(instance)
    with ThreadPoolExecutor(PROBES) as pool:
        served = list(pool.map(lambda site: _services(present, site, live.get(site.main), standings), websites))
    found: dict[str, list[dict[str, Any]]] = {}
    for website, seen in zip(websites, served, strict=True):
        certificate = live.get(website.main)
        found.setdefault(website.account, []).append(
            {
                "website": website.main,
                "names": _names(website, certificate, troubles.get(website.main, {})),
                "not_after": stamp(certificate.not_after if certificate else None),
                "expired": certificate is not None and certificate.not_after <= now(),
                "services": seen,
            }
        )
    known = records.accounts()
    shown = [account] if account is not None else sorted(known)
    return {
        "accounts": [
            {"account": name, "state": str(known[name].account.state), "websites": found.get(name, [])}
            for name in shown
            if name in known
        ]
    }


def _names(
    website: Website, certificate: Certificate | None, troubles: dict[str, records.NameTrouble]
) -> list[dict[str, Any]]:
    """The website's own names, then what else its certificate covers or a check reported."""
    listed = list(website.names)
    listed += [name for name in (certificate.names if certificate else ()) if name not in listed]
    listed += [name for name in sorted(troubles) if name and name not in listed]
    shown = []
    for name in listed:
        covered = certificate is not None and covers(certificate.names, name)
        trouble = troubles.get(name) or (None if covered else troubles.get(""))
        shown.append(
            {
                "name": name,
                "covered": covered,
                "code": trouble.code if trouble else "",
                "text": trouble.text if trouble else ("" if covered else "not checked yet"),
                "retry_at": stamp(trouble.retry_at if trouble else None),
            }
        )
    return shown


def _services(
    present: list[ServiceTarget],
    website: Website,
    certificate: Certificate | None,
    standings: dict[str, dict[str, records.Standing]],
) -> dict[str, Any]:
    shown = {}
    for service in present:
        try:
            if not service.concerns(website):
                continue
            shown[service.name] = _service(service, website, certificate, standings.get(website.main, {}))
        except Failure as failure:
            shown[service.name] = {"state": "failed", "text": failure.detail, "served": None, "not_after": None}
    return shown


def _service(
    service: ServiceTarget,
    website: Website,
    certificate: Certificate | None,
    standings: dict[str, records.Standing],
) -> dict[str, Any]:
    standing = standings.get(service.name)
    kept = standing.text if standing and standing.state == "failed" else ""
    if certificate is None:
        presented = service.installed(website)
        other = presented.certificate if presented else None
        return _state(
            "none",
            kept or "nothing of ours is installed",
            other.fingerprint if other else None,
            other.not_after if other else None,
        )
    answers = service.probe(website, certificate)
    wrong = [answer for answer in answers if _fingerprint(answer) != certificate.fingerprint]
    if not answers:
        return _state("none", kept or "not served for this website", None, None)
    if wrong:
        words = wrong[0].detail or f"{wrong[0].endpoint}: another certificate is served"
        return _state("failed", kept or words, _fingerprint(wrong[0]), None)
    return _state("installed", f"{len(answers)} handshakes", certificate.fingerprint, certificate.not_after)


def _state(state: str, text: str, served: str | None, not_after: datetime | None) -> dict[str, Any]:
    return {"state": state, "text": text, "served": served, "not_after": stamp(not_after)}


def _fingerprint(served: Served) -> str | None:
    return None if served.leaf is None else hashlib.sha256(served.leaf).hexdigest()
