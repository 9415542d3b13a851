"""What the preflight saw of one name, step by step: a value that is logged, kept as JSON, and shown on a page.

Everything in it may come from strangers' servers: it is printable and short, and never holds what a body held.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from jobs.policy.finding import Finding

LIMIT = 8 * 1024
"""Bytes of JSON that are kept of one name."""

_VERSION = 1
_SIZES = ((12, 400), (6, 400), (3, 240), (1, 160), (0, 80))
"""What is left, (requests an address, characters a text), the first that fits LIMIT."""

_MOST = 8
"""Addresses, walks, records and remarks that are kept."""

_LONGEST_RECORD = 1000
"""A line to be copied is kept whole or not at all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question for one type of address record. `state`: a word such as "found", "no data", "servfail"."""

    kind: str
    state: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dns:
    """`trail` are the aliases (CNAME) on the way from the name. `trouble` None: it has an address."""

    trail: tuple[str, ...] = ()
    lookups: tuple[Asked, ...] = ()
    trouble: Finding | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One request. `status` None: no whole answer came, and `code` says why. `server` is what the software calls
    itself, `front` the CDN whose signs the answer bears, `onward` where it redirects to; `port` is 0 for the usual
    one."""

    url: str
    address: str
    port: int = 0
    status: int | None = None
    server: str = ""
    front: str = ""
    onward: str = ""
    code: str = ""

    @property
    def where(self) -> str:
        return f"{self.url} at {self.address}" + (f" port {self.port}" if self.port else "")

    def __str__(self) -> str:
        if self.status is None:
            return f"{self.where}: {self.code}"
        onward = f", on to {self.onward}" if self.onward else ""
        front = f" ({self.front})" if self.front else ""
        return f"{self.where}: status {self.status} from {self.server or 'an unnamed server'}{front}{onward}"


@dataclass(frozen=True, slots=True)
class Walk:
    """The self-check at one address of the name. `trouble` None: this host's own answer came."""

    address: str
    trouble: Finding | None = None
    hops: tuple[Hop, ...] = ()

    @property
    def ipv6(self) -> bool:
        return ":" in self.address


@dataclass(frozen=True, slots=True)
class Caa:
    """`records` is the set that decides, found at `owner`; empty: there is none. `trouble` None: the provider may
    issue, for a name that is validated by `method`. `record` is the line that somebody has to add by hand."""

    method: str
    owner: str = ""
    records: tuple[str, ...] = ()
    trouble: Finding | None = None
    record: str = ""
    remarks: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ByDns:
    """What was tried to validate the name by a TXT record. `trouble` None: it would succeed."""

    trouble: Finding | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """`walks`: the self-check by HTTP, an address each. `caa`, `by_dns` None: not asked, not tried. `remarks`: what is
    odd and no failure. `cut`: parts were left out of what was kept."""

    name: str
    dns: Dns = Dns()
    walks: tuple[Walk, ...] = ()
    caa: Caa | None = None
    by_dns: ByDns | None = None
    remarks: tuple[Finding, ...] = ()
    cut: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        """For the log: one line for DNS, each request, and each further step."""
        found = []
        if self.dns.lookups:
            path = " -> ".join((self.name, *self.dns.trail))
            said = (f"{one.kind} {', '.join(one.addresses) or one.state}" for one in self.dns.lookups)
            found.append(f"DNS: {path}: {'; '.join(said)}")
        found += [str(hop) for walk in self.walks for hop in walk.hops]
        found += self.by_dns.lines if self.by_dns else ()
        if self.caa:
            found.append(f"CAA: {_caa_line(self.caa)}")
        return tuple(found)

    def as_json(self) -> dict[str, Any]:
        """Plain values, which `from_json` takes back."""
        return {"version": _VERSION, **asdict(self)}


def kept(report: Report) -> str:
    """JSON of at most LIMIT bytes: requests in the middle of a walk and the ends of texts are left out first."""
    for hops, characters in _SIZES:
        smaller = _shrunk(report, hops, characters)
        text = json.dumps(replace(smaller, cut=smaller != report).as_json(), separators=(",", ":"))
        if len(text) <= LIMIT:
            return text
    return json.dumps(Report(_clip(report.name, 255), cut=True).as_json(), separators=(",", ":"))


def read(text: str | None) -> Report | None:
    """The report that `kept` made; None where there is none, or another version wrote it."""
    return from_json(json.loads(text)) if text else None


def from_json(values: Mapping[str, Any] | None) -> Report | None:
    """The report of which `as_json` made these values; None where there are none, or another version made them."""
    if not values or values.get("version") != _VERSION:
        return None
    dns, caa, by_dns = values["dns"], values["caa"], values["by_dns"]
    lookups = (Asked(one["kind"], one["state"], tuple(one["addresses"])) for one in dns["lookups"])
    return Report(
        values["name"],
        Dns(tuple(dns["trail"]), tuple(lookups), _finding(dns["trouble"])),
        tuple(_walk(one) for one in values["walks"]),
        _caa(caa) if caa else None,
        ByDns(_finding(by_dns["trouble"]), tuple(by_dns["lines"])) if by_dns else None,
        tuple(Finding(**one) for one in values["remarks"]),
        values["cut"],
    )


def _finding(values: dict[str, str] | None) -> Finding | None:
    return Finding(**values) if values else None


def _walk(values: dict[str, Any]) -> Walk:
    hops = tuple(Hop(**one) for one in values["hops"])
    return Walk(values["address"], _finding(values["trouble"]), hops)


def _caa(values: dict[str, Any]) -> Caa:
    remarks = tuple(Finding(**one) for one in values["remarks"])
    trouble, records = _finding(values["trouble"]), tuple(values["records"])
    return Caa(values["method"], values["owner"], records, trouble, values["record"], remarks)


def _caa_line(caa: Caa) -> str:
    found = f"{caa.owner} has {', '.join(caa.records)}" if caa.records else "no records"
    return f"{found}, for validation by {caa.method}: {caa.trouble.code if caa.trouble else 'the provider may issue'}"


def _shrunk(report: Report, hops: int, characters: int) -> Report:
    """The same with at most so many requests a walk and characters a text."""

    def clip(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_clip(text, characters) for text in texts[:_MOST])

    def finding(one: Finding | None) -> Finding | None:
        return one and Finding(one.code, _clip(one.text, characters))

    def findings(some: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(Finding(one.code, _clip(one.text, characters)) for one in some[:_MOST])

    def walk(one: Walk) -> Walk:
        left = one.hops if len(one.hops) <= hops else (*one.hops[: hops - 1], *one.hops[-1:]) if hops else ()
        return replace(one, trouble=finding(one.trouble), hops=left)

    caa, by_dns = report.caa, report.by_dns
    if caa:
        record = caa.record if len(caa.record) <= _LONGEST_RECORD else ""
        caa = replace(caa, records=clip(caa.records), trouble=finding(caa.trouble), record=record,
                      remarks=findings(caa.remarks))
    if by_dns:
        by_dns = ByDns(finding(by_dns.trouble), clip(by_dns.lines))
    return Report(
        report.name,
        Dns(clip(report.dns.trail), tuple(replace(one, addresses=one.addresses[:_MOST]) for one in report.dns.lookups),
            finding(report.dns.trouble)),
        tuple(walk(one) for one in report.walks[:_MOST]),
        caa,
        by_dns,
        findings(report.remarks),
        report.cut,
    )


def _clip(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
