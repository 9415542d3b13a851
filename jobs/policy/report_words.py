"""The report of a preflight in plain words, a section for each thing that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from jobs.policy.finding import Finding
from jobs.policy.preflight_report import ByDns, Caa, Hop, Report, Walk
from jobs.policy.problems import Severity, problem


class Mark(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Section:
    """`said` is what was found, in whole sentences; `troubles` what is wrong or odd about it, of which the catalogue
    says the remedy; `steps` one line each; `quoted` records as they stand in the zone; `record` a line to add to it."""

    title: str
    mark: Mark
    said: str
    troubles: tuple[Finding, ...] = ()
    steps: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    record: str = ""


def sections(report: Report) -> tuple[Section, ...]:
    """DNS, HTTP over each family, CAA, and validation by DNS where that was tried."""
    found = [_dns(report), _http(report, "IPv4"), _http(report, "IPv6"), _caa(report.caa)]
    if report.by_dns:
        found.append(_by_dns(report.by_dns))
    return tuple(found)


def _dns(report: Report) -> Section:
    title, dns = "DNS", report.dns
    if not dns.lookups and not dns.trouble:
        return Section(title, Mark.IDLE, "Not asked: a wildcard has no address of its own.")
    alias = f"The name is an alias (CNAME) of {', which is one of '.join(dns.trail)}. " if dns.trail else ""
    odd = tuple(one for one in report.remarks if one.code.startswith(("dns_", "address_")))
    if dns.trouble:
        said = _WITHOUT_ADDRESS.get(dns.trouble.code, "No address was found.")
        return Section(title, Mark.BAD, f"{alias}{said}", (dns.trouble, *odd))
    parts = [f"the {_FAMILIES[one.kind]} {_listed(one.addresses)}" for one in dns.lookups if one.addresses]
    return Section(title, Mark.WARN if odd else Mark.GOOD, f"{alias}It has {' and '.join(parts)}.", odd)


_WITHOUT_ADDRESS = {
    "dns_nxdomain": "No address was found: the name does not exist.",
    "dns_dnssec_bogus": "The name's DNS answers can't be trusted: the zone's DNSSEC signatures don't hold.",
    "dns_lame": "No address was found: none of the name servers that are named for the zone serves it.",
    "dns_servfail": "No address was found: the zone's name servers fail.",
    "dns_timeout": "No address was found: nobody answered in time.",
}
_FAMILIES = {"A": "IPv4 address", "AAAA": "IPv6 address"}


def _http(report: Report, family: str) -> Section:
    title = f"HTTP over {family}"
    walks = [walk for walk in report.walks if walk.ipv6 == (family == "IPv6")]
    if not report.dns.lookups and not report.walks:
        return Section(title, Mark.IDLE, "Not asked.")
    if report.dns.trouble:
        return Section(title, Mark.IDLE, "Not asked, because the name has no address.")
    if not walks:
        return Section(title, Mark.IDLE, f"Not asked: the name has no {family} address, and needs none.")
    troubles = tuple(dict.fromkeys(walk.trouble for walk in walks if walk.trouble))
    right = [walk.address for walk in walks if not walk.trouble]
    said = f"The right answer came from {_listed(right)}." if right else "The right answer didn't come."
    steps = tuple(_step(hop) for walk in walks for hop in walk.hops)
    odd = tuple(one for one in report.remarks if one.code == "http_redirect_303")
    return Section(title, _worst(walks, odd), said, (*troubles, *odd), steps)


def _worst(walks: Sequence[Walk], odd: Sequence[Finding]) -> Mark:
    severities = {problem(walk.trouble.code).severity for walk in walks if walk.trouble}
    if Severity.ERROR in severities:
        return Mark.BAD
    return Mark.WARN if severities or odd else Mark.GOOD


def _step(hop: Hop) -> str:
    if hop.status is None:
        return f"{hop.where}: {problem(hop.code).title[:1].lower()}{problem(hop.code).title[1:]}"
    who = hop.server or "a server that doesn't say its name"
    front = f" ({hop.front})" if hop.front and hop.front.lower() != hop.server.lower() else ""
    onward = f" and sent on to {hop.onward}" if hop.onward else ""
    return f"{hop.where}: {who}{front} answered with status {hop.status}{onward}"


def _caa(caa: Caa | None) -> Section:
    title = "CAA"
    if caa is None:
        return Section(title, Mark.IDLE, "Not asked: it matters only for a name that can be reached.")
    if caa.trouble:
        said = f"The records of {caa.owner} stand in the way." if caa.records else "The records could not be read."
        return Section(title, Mark.BAD, said, (caa.trouble, *caa.remarks), (), caa.records, caa.record)
    said = f"The records of {caa.owner} let the provider issue." if caa.records else "No record stands in the way."
    return Section(title, Mark.WARN if caa.remarks else Mark.GOOD, said, caa.remarks, (), caa.records, caa.record)


def _by_dns(by_dns: ByDns) -> Section:
    title = "Validation by DNS"
    if by_dns.trouble:
        return Section(title, Mark.BAD, "A TXT record of proof didn't do it.", (by_dns.trouble,), by_dns.lines)
    return Section(title, Mark.GOOD, "A TXT record of proof in the zone does it.", (), by_dns.lines)


def _listed(addresses: Sequence[str]) -> str:
    return ", ".join(addresses)
