"""One question to one DNS server, and what its answer means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

LONGEST_CHAIN = 11
"""CNAMEs followed; the resolvers of large CAs give up after as many."""

_BACKEND = dns.asyncbackend.get_backend("asyncio")
_PAYLOAD = 1232


class Status(StrEnum):
    FOUND = "found"
    NO_DATA = "no data"
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"
    TIMEOUT = "timeout"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Server:
    address: str
    port: int = 53

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return shown if self.port == 53 else f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reply:
    """The meaning of one answer. `owner` is the name at the end of the chain that the answer holds; `target` is
    where that chain goes on, when another server has to be asked. `values` are dnspython's rdata."""

    status: Status
    owner: str
    values: tuple[Any, ...] = ()
    target: str | None = None
    trail: tuple[str, ...] = ()
    detail: str = ""


class Unusable(Exception):
    """This server gave no answer that can be used; another one may. `silent`: it gave none at all."""

    def __init__(self, detail: str, silent: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.silent = silent


async def exchange(server: Server, name: str, kind: str, wait: float, recurse: bool) -> dns.message.Message:
    """Ask `server` over UDP, then TCP when the answer is cut short; without EDNS when it doesn't know that.

    `wait` in seconds. Raises Unusable for no answer, a malformed one, and every code but NOERROR and NXDOMAIN.
    """
    for edns in (0, -1):
        try:
            query = dns.message.make_query(name, kind, use_edns=edns, payload=_PAYLOAD if edns == 0 else None)
            if not recurse:
                query.flags &= ~dns.flags.RD
            message, _ = await dns.asyncquery.udp_with_fallback(
                query, server.address, wait, server.port, ignore_unexpected=True, ignore_errors=True, backend=_BACKEND
            )
        except dns.exception.Timeout as error:
            raise Unusable(f"{server} didn't answer within {wait:g} s", silent=True) from error
        except (OSError, EOFError) as error:
            raise Unusable(f"{server} can't be reached: {error or 'connection closed'}", silent=True) from error
        except (dns.exception.DNSException, ValueError) as error:
            raise Unusable(f"{server} sent an answer that can't be read ({type(error).__name__})") from error
        code = message.rcode()
        if code in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return message
        if code not in (dns.rcode.FORMERR, dns.rcode.NOTIMP):
            break
    raise Unusable(f"{server} answered {dns.rcode.to_text(code)}")


def read(message: dns.message.Message, name: str, kind: str, hops: int = LONGEST_CHAIN) -> Reply:
    """Walk the answer from `name` along at most `hops` CNAMEs to the records of `kind`."""
    wanted = dns.rdatatype.from_text(kind)
    at = dns.name.from_text(name)
    trail: list[str] = []
    while True:
        values = _values(message, at, wanted)
        owner = text_of(at)
        if values:
            return Reply(Status.FOUND, owner, values, trail=tuple(trail))
        aliases = _values(message, at, dns.rdatatype.CNAME)
        if not aliases:
            break
        target = aliases[0].target
        trail.append(text_of(target))
        if text_of(target) in (name, *trail[:-1]) or len(trail) > LONGEST_CHAIN:
            return Reply(Status.LOOP, owner, trail=tuple(trail))
        if len(trail) >= hops:
            return Reply(Status.NO_DATA, owner, target=text_of(target), trail=tuple(trail))
        at = target
    if message.rcode() == dns.rcode.NXDOMAIN:
        return Reply(Status.NXDOMAIN, owner, trail=tuple(trail))
    recursed = bool(message.flags & dns.flags.RA)
    return Reply(Status.NO_DATA, owner, target=None if recursed or not trail else owner, trail=tuple(trail))


def zone_above(message: dns.message.Message, name: str) -> str | None:
    """The apex of the zone that holds `name`, as the answer to a question for its SOA tells it; None if it doesn't."""
    at = dns.name.from_text(name)
    if _values(message, at, dns.rdatatype.SOA):
        return text_of(at)
    if message.answer:
        return None
    for rrset in message.authority:
        if rrset.rdtype == dns.rdatatype.SOA and at.is_subdomain(rrset.name):
            return text_of(rrset.name)
    return None


def text_of(name: dns.name.Name) -> str:
    """A name in lower case, without the final dot; the root is "."."""
    return name.to_text(omit_final_dot=True).lower()


def _values(message: dns.message.Message, owner: dns.name.Name, kind: dns.rdatatype.RdataType) -> tuple[Any, ...]:
    for rrset in message.answer:
        if rrset.name == owner and rrset.rdtype == kind:
            return tuple(rrset)
    return ()
