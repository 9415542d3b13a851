"""What is covered and what is served now, per account, website, name and service; nothing is changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import models
from jobs import records, renewals
from jobs import troubles as kept_troubles
from jobs.facts import has_to_do
from jobs.policy.ari import Renewal
from jobs.policy.certificate import Certificate
from jobs.policy.decision import WEB_SERVICES
from jobs.policy.due import asked_early, due_at
from jobs.policy.failure import Failure
from jobs.policy.names import covers
from jobs.policy.other_clients import how_to_take_over, left_alone
from jobs.policy.preflight_report import Report
from jobs.policy.proof import read_der
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
    live, windows = records.live_certificates(), renewals.windows()
    troubles, standings = records.troubles(), records.standings()
    reports = kept_troubles.reports(None if account is None else [site.main for site in websites])
    present, taken_over = services(instance), records.taken_over()
    with ThreadPoolExecutor(PROBES) as pool:
        served = list(pool.map(lambda site: _services(present, site, live.get(site.main), standings), websites))
    found: dict[str, list[dict[str, Any]]] = {}
    for website, seen in zip(websites, served, strict=True):
        certificate = live.get(website.main)
        found.setdefault(website.account, []).append(
            {
                "website": website.main,
                "names": _names(website, certificate, troubles.get(website.main, {}), reports),
                "not_after": stamp(certificate.not_after if certificate else None),
                "expired": certificate is not None and certificate.not_after <= now(),
                "renewal": _renewal(certificate, windows.get(website.main)),
                "services": seen,
                "foreign": _foreign(website, seen, taken_over),
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


def look(instance: Instance, website: Website) -> list[dict[str, Any]]:
    """Handshakes with every service that has to do with `website`, now, beside what is installed there.

    Each has `service`, `installed` (facts of the certificate that should be shown, or None), `answers` (one for each
    port, protocol and certificate: `port`, `starttls`, `hosts`, `names`, `served`, `same`, `text`), `code` and `text`
    of what kept it from being asked.
    """
    live = records.live_certificates([website.main]).get(website.main)
    with ThreadPoolExecutor(PROBES) as pool:
        seen = pool.map(lambda service: _looked_at(service, website, live), services(instance))
        return [one for one in seen if one is not None]


def _looked_at(service: ServiceTarget, website: Website, live: Certificate | None) -> dict[str, Any] | None:
    """None: the service has nothing to do with the website."""
    shown: dict[str, Any] = {"service": service.name, "installed": None, "answers": [], "code": "", "text": ""}
    try:
        if not has_to_do(service, website):
            return None
        presented = service.installed(website)
        other = presented.certificate if presented else None
        shown["installed"] = _facts(live or other)
        if live is None:
            shown["text"] = presented.detail if presented else "nothing is configured for this website"
            return shown
        shown["answers"] = _grouped(service.probe(website, live), live)
        if not shown["answers"]:
            shown["text"] = "our certificate is not in use here"
            shown["installed"] = _facts(other)
    except Failure as failure:
        shown |= {"code": failure.code, "text": failure.detail}
    return shown


def _grouped(answers: Sequence[Served], expected: Certificate) -> list[dict[str, Any]]:
    """Answers that say the same stand together, with the names and addresses that were asked for."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for answer in answers:
        where, seen = answer.endpoint, answer.fingerprint
        group = found.setdefault(
            (where.port, where.starttls, seen or answer.detail),
            {
                "port": where.port,
                "starttls": where.starttls,
                "hosts": [],
                "names": [],
                "served": None if answer.leaf is None else _facts(read_der(answer.leaf)),
                "same": seen == expected.fingerprint,
                "text": answer.detail,
            },
        )
        for key, value in (("hosts", where.host), ("names", where.sni)):
            if value not in group[key]:
                group[key].append(value)
    return list(found.values())


def _facts(certificate: Certificate | None) -> dict[str, Any] | None:
    if certificate is None:
        return None
    return {
        "serial": certificate.serial,
        "fingerprint": certificate.fingerprint,
        "issuer": certificate.issuer,
        "not_after": stamp(certificate.not_after),
    }


def _foreign(website: Website, seen: Mapping[str, Any], taken_over: Collection[str]) -> dict[str, Any] | None:
    """Whose certificate the web server presents, if it is somebody else's, and how AutoSSL is made to take it over."""
    found = next((seen[name]["foreign"] for name in WEB_SERVICES if name in seen and "foreign" in seen[name]), None)
    if found is None:
        return None
    over = (website.part_of or website.main) in taken_over
    how = "it is replaced at the next check" if over else how_to_take_over(found["managed_by"] or "", website.main)
    return {**found, "takeover": over, "how": how}


def _renewal(certificate: Certificate | None, known: Renewal | None) -> dict[str, Any] | None:
    """When it is due, and, where the CA said when it would like it renewed, its window and why."""
    if certificate is None:
        return None
    window = known.window if known else None
    return {
        "due": stamp(due_at(certificate)),
        "start": stamp(window.start if window else None),
        "end": stamp(window.end if window else None),
        "early": asked_early(certificate),
        "url": known.url if known else None,
    }


def _names(
    website: Website,
    certificate: Certificate | None,
    troubles: dict[str, records.NameTrouble],
    reports: Mapping[tuple[str, str], Report],
) -> list[dict[str, Any]]:
    """The website's own names, then what else its certificate covers or a check reported."""
    listed = list(website.names)
    listed += [name for name in (certificate.names if certificate else ()) if name not in listed]
    listed += [name for name in sorted(troubles) if name and name not in listed]
    unknown, holds = "not checked yet", certificate is not None
    if certificate is not None and certificate.revoked_at is not None:
        unknown, holds = f"the CA revoked the certificate, since {certificate.revoked_at:%Y-%m-%d %H:%M} UTC", False
    elif certificate is not None and certificate.not_after <= now():
        unknown, holds = f"the certificate expired at {certificate.not_after:%Y-%m-%d %H:%M} UTC", False
    shown = []
    for name in listed:
        covered = holds and certificate is not None and covers(certificate.names, name)
        trouble = troubles.get(name) or (None if covered else troubles.get(""))
        report = reports.get((website.main, name))
        shown.append(
            {
                "name": name,
                "covered": covered,
                "code": trouble.code if trouble else "",
                "text": trouble.text if trouble else ("" if covered else unknown),
                "retry_at": stamp(trouble.retry_at if trouble else None),
                "report": report.as_json() if report else None,
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
            if not has_to_do(service, website):
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
        if presented is None or other is None or presented.ours or other.self_signed:
            words, ends = kept or "nothing of ours is installed", other.not_after if other else None
            return _state("none", words, other.fingerprint if other else None, ends)
        words = kept or left_alone(presented.keeper, other.not_after)
        state = _state("none", words, other.fingerprint, other.not_after)
        return {**state, "foreign": {"issuer": other.issuer, "managed_by": presented.keeper or None}}
    answers = service.probe(website, certificate)
    wrong = [answer for answer in answers if answer.fingerprint != certificate.fingerprint]
    if not answers:
        return _state("none", kept or "not served for this website", None, None)
    if wrong:
        words = wrong[0].detail or f"{wrong[0].endpoint}: another certificate is served"
        return _state("failed", kept or words, wrong[0].fingerprint, None)
    return _state("installed", f"{len(answers)} handshakes", certificate.fingerprint, certificate.not_after)


def _state(state: str, text: str, served: str | None, not_after: datetime | None) -> dict[str, Any]:
    return {"state": state, "text": text, "served": served, "not_after": stamp(not_after)}
