"""What the owner of a website is told about a problem: what he can do himself, and nothing of the host's inside.

The catalogue speaks to who runs the host: it names commands, configuration files and other people's websites.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from jobs.policy.preflight_report import ByDns, Hop, Report, Walk
from jobs.policy.problem_entries import CAA, DECISIONS, NAMES
from jobs.policy.problems import problem
from jobs.policy.redirects import AddressKind, address_kind
from jobs.policy.verdict import INSIDE

_ASK = "Check that the name's address is this server's. If it is, tell those who run this server."
_NOTHING = "There is nothing that you have to do: those who run this server see it too."

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "name_invalid": "Correct the name where you added it to the website, or exclude it.",
        "dns_nxdomain": "Add an A or AAAA record that points to this server, or exclude the name.",
        "dns_dnssec_bogus": "Sign your domain anew at its DNS provider, or correct the DS record at its registrar.",
        "dns_lame": "Check at the registrar that your domain has the name servers of your present DNS provider.",
        "dns_timeout": "Check that the name servers of your domain are up. It is tried again by itself.",
        "dns_half": "Check your domain at its DNS provider: the provider of certificates may run into the same error.",
        "stray_aaaa": "Correct or remove the name's AAAA record at your DNS provider.",
        "ipv6_elsewhere": "Correct or remove the name's AAAA record at your DNS provider.",
        "stray_address": "Remove the record of the silent address at your DNS provider.",
        "address_inside": "Point the name's A and AAAA records to this server's public address, or exclude the name.",
        "http_connection_refused": _ASK,
        "http_connection_lost": _ASK,
        "http_timeout": _ASK,
        "http_bad_answer": _ASK,
        "http_too_slow": "Check that the name's address is this server's, and that no page of yours answers there.",
        "http_hairpin_nat": "Check from outside that the website can be opened by its name.",
        "http_cdn_in_front": "Let your CDN pass paths below /.well-known/acme-challenge/ to this server unchanged.",
        "http_other_server": "Point the name's A and AAAA records to this server, at the address that is named here.",
        "http_status": "Check that the name points to this server, and that no proxy in front of it answers by itself.",
        "http_tls_failed": "Correct the redirect, or leave paths below /.well-known/acme-challenge/ out of it.",
        "caa_forbids": "Add the CAA record that is named here to your domain's DNS.",
        "caa_forbids_everyone": "Add the CAA record that is named here to your domain's DNS if you want a certificate.",
        "caa_conditions": "Add the CAA record that is named here to your domain's DNS.",
        "caa_account_changed": "Put the CAA record that is named here in the place of the former one in your DNS.",
        "caa_would_renew": "There is nothing that you have to do.",
        "caa_only_ours": "There is nothing that you have to do.",
        "caa_added": "There is nothing that you have to do.",
        "validation_failed": "Check from outside that the name leads to this server, by IPv4 and IPv6.",
        "no_challenge": "Exclude the name, or tell those who run this server.",
        "ca_caa": "Allow the provider by a CAA record at every name server of your domain.",
        "ca_rejected_name": "Exclude the name.",
        "ca_limit_near": "There is nothing that you have to do; it goes on by itself.",
        "ca_rate_limited": "There is nothing that you have to do; it goes on by itself.",
        "order_gone": "There is nothing that you have to do; a new order is made.",
        "over_cap": "Exclude names that nobody uses.",
        "split_off": "Exclude names that nobody uses, or ask those who run this server for a wildcard.",
        "wildcard_unsupported": "Exclude it, and list the names one by one.",
        "backoff": "Correct the cause and press Run AutoSSL, which tries now.",
    }
)
"""Instead of the catalogue's own, by code."""

HOST_ONLY = "seen_inside"
"""The code of what a log tells to who runs the host, and an owner is not told at all."""

_SPEAKS_TO_THE_HOST = frozenset(
    {"dns_servers_unreachable", "dns_no_resolver", "caa_identity_unknown", "foreign_certificate", "foreign_invalid",
     "set_damaged", "account_skipped", HOST_ONLY}
)
"""Codes about names and decisions that only those who run the host can do something about."""

_TITLES: Mapping[str, str] = MappingProxyType({"config_invalid": "The server's configuration can't be used"})
"""Instead of a title that names a file of the host."""

_WITHOUT_DETAIL = frozenset({"backoff"})
"""Codes whose detail is that of another problem."""


@dataclass(frozen=True, slots=True)
class Words:
    """`detail` is what happened this time; `remedy` what the reader can do."""

    title: str
    meaning: str
    detail: str
    remedy: str


def for_host(code: str, detail: str) -> Words:
    """Everything there is to say."""
    entry = problem(code)
    return Words(entry.title, entry.text, detail, entry.remedy)


def for_owner(code: str, detail: str) -> Words:
    """For the owner of the website. Details are given where they can only be about his own names."""
    entry = problem(code)
    own = code in REMEDIES or ((code in NAMES or code in CAA or code in DECISIONS) and code not in _SPEAKS_TO_THE_HOST)
    if not own:
        return Words(_TITLES.get(code, entry.title), "", "", _NOTHING)
    return Words(entry.title, entry.text, "" if code in _WITHOUT_DETAIL else detail, REMEDIES.get(code, entry.remedy))


def report_for_owner(report: Report) -> Report:
    """What the preflight saw of his name. How zones are written here is the host's inside, and so is what answers at an
    address that the Internet can't reach, and where it redirects to."""
    by_dns = report.by_dns and ByDns(report.by_dns.trouble)
    walks = tuple(replace(walk, hops=tuple(_outside(walk))) for walk in report.walks)
    return replace(report, walks=walks, by_dns=by_dns)


def _outside(walk: Walk) -> Iterator[Hop]:
    if walk.trouble is None or walk.trouble.code != INSIDE:
        yield from (hop for hop in walk.hops if address_kind(hop.address) is AddressKind.PUBLIC)
