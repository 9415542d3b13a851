"""The addresses of a name, and in which words they are missing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from jobs.policy.finding import Finding
from jobs.policy.preflight_report import Asked, Dns
from jobs.policy.redirects import AddressKind, address_kind
from jobs.preflight.resolver import Found, Lookup
from jobs.preflight.wire import Status

_GONE = (Status.NXDOMAIN, Status.NO_DATA, Status.LOOP)
_ODD = {AddressKind.LOOPBACK: "address_loopback", AddressKind.PRIVATE: "address_private"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """`ipv6` and `ipv4` can be connected to. `trouble` is set when there are none; `gone` then tells that the name
    surely has none, rather than that nobody answered."""

    ipv6: tuple[str, ...] = ()
    ipv4: tuple[str, ...] = ()
    trouble: Finding | None = None
    gone: bool = False
    warnings: tuple[Finding, ...] = ()
    seen: Dns = field(default_factory=Dns)

    @property
    def all(self) -> tuple[str, ...]:
        """In the order in which CAs try them."""
        return (*self.ipv6, *self.ipv4)


async def addresses(lookup: Lookup, name: str) -> Addresses:
    """Ask for both families at the same time."""
    six, four = await asyncio.gather(lookup.ask(name, "AAAA"), lookup.ask(name, "A"))
    found = {family: tuple(dict.fromkeys(v.address for v in answer.values)) for family, answer in ((6, six), (4, four))}
    warnings = [*six.warnings, *four.warnings]
    usable: dict[int, list[str]] = {6: [], 4: []}
    for family, texts in found.items():
        for text in texts:
            kind = address_kind(text)
            if kind is AddressKind.UNUSABLE:
                warnings.append(Finding("address_unusable", f"{name} has the address {text}, where no host can be"))
                continue
            usable[family].append(text)
            if kind in _ODD:
                words = f"{name} has the {kind} address {text}, which a public CA can't reach"
                warnings.append(Finding(_ODD[kind], words))
    seen = _seen(six, four, found)
    if usable[6] or usable[4]:
        warnings += [_half(name, answer, kind) for answer, kind in ((six, "AAAA"), (four, "A")) if _broken(answer)]
        once = tuple(dict.fromkeys(warnings))
        return Addresses(tuple(usable[6]), tuple(usable[4]), warnings=once, seen=seen)
    trouble, gone = _missing(name, six, four)
    once = tuple(dict.fromkeys(warnings))
    return Addresses(trouble=trouble, gone=gone, warnings=once, seen=replace(seen, trouble=trouble))


def _missing(name: str, six: Found, four: Found) -> tuple[Finding, bool]:
    """Why there is no address. What no server answered weighs more than what one denied."""
    broken = sorted(filter(_broken, (four, six)), key=lambda answer: not (answer.bogus or answer.lame))
    if broken:
        return _failed(name, broken[0]), False
    via = _via(four)
    if Status.LOOP in (four.status, six.status):
        chain = " -> ".join((name, *(four.trail or six.trail)))
        return Finding("dns_cname_loop", f"{name}: its CNAME records run in a circle or are too many: {chain}"), True
    if Status.NXDOMAIN in (four.status, six.status):
        who = f": {four.owner}" if four.trail else ""
        return Finding("dns_nxdomain", f"{name}{who} does not exist in DNS{via}"), True
    if Status.FOUND in (four.status, six.status):
        return Finding("dns_no_address", f"{name}: none of its addresses can belong to a host{via}"), True
    return Finding("dns_no_address", f"{name} exists in DNS, but has neither an A nor an AAAA record{via}"), True


def _failed(name: str, answer: Found) -> Finding:
    """Why there is no telling whether it has one; the cause that is known goes before the mere failure."""
    words = f"{name}{_via(answer)}: looking up its address: {answer.detail}"
    if answer.bogus:
        return Finding("dns_dnssec_bogus", words)
    if answer.lame:
        return Finding("dns_lame", words)
    return Finding("dns_timeout" if answer.status is Status.TIMEOUT else "dns_servfail", words)


def _via(answer: Found) -> str:
    return f" (by way of {' -> '.join(answer.trail)})" if answer.trail else ""


def _broken(answer: Found) -> bool:
    return answer.status not in (*_GONE, Status.FOUND)


def _half(name: str, answer: Found, kind: str) -> Finding:
    return Finding("dns_half", f"{name}: looking up its {kind} record: {answer.detail}")


def _seen(six: Found, four: Found, found: dict[int, tuple[str, ...]]) -> Dns:
    lookups = tuple(
        Asked(kind, _state(answer), found[number]) for number, kind, answer in ((4, "A", four), (6, "AAAA", six))
    )
    return Dns(four.trail or six.trail, lookups)


def _state(answer: Found) -> str:
    return "dnssec bogus" if answer.bogus else "lame delegation" if answer.lame else str(answer.status)
