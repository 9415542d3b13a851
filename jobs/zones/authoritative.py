"""Whether every authoritative server of a zone shows a value, asked one by one (never a cache)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from jobs.policy.finding import Finding
from jobs.policy.redirects import AddressKind, address_kind
from jobs.ports import Record
from jobs.preflight.resolver import Lookup

PORT = 53
_WAIT = 2.5
"""Seconds for one answer."""

_FIRST, _LONGEST = 0.1, 3.0
"""Seconds between two rounds, growing."""

_SILENT_ROUNDS = 3
"""So often a server may not answer before it is left aside: a CA goes on to another one, too."""


async def seen_everywhere(
    lookup: Lookup, zone: str, record: Record, present: bool, limit: float
) -> list[Finding]:
    """Wait until every server of `zone` that answers shows `record`, or with `present` False none does.

    At most `limit` seconds. Empty: they agree. Else a finding for each server that does not, or one for the zone when
    none answers at all.
    """
    servers = await _servers(lookup, zone)
    if not servers:
        return [Finding("zone_servers_unknown", f"{zone}: the addresses of its name servers can't be looked up")]
    ends, wait = time.monotonic() + limit, _FIRST
    silent = dict.fromkeys(servers, 0)
    waiting = {address: Finding("dns01_server_silent", _text(zone, address, "was not asked")) for address in servers}
    agreed = False
    while waiting:
        answers = await asyncio.gather(*(_state(address, record, present, zone) for address in waiting))
        for address, (finding, answered) in zip(list(waiting), answers, strict=True):
            if finding is None:
                del waiting[address]
                agreed = True
                continue
            waiting[address] = finding
            silent[address] = 0 if answered else silent[address] + 1
        if agreed and all(silent[address] >= _SILENT_ROUNDS for address in waiting):
            return []
        if not waiting or time.monotonic() + wait > ends:
            break
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, _LONGEST)
    return list(waiting.values())


async def _servers(lookup: Lookup, zone: str) -> list[str]:
    """Every address of every name server of the zone, as the world finds them."""
    names = (await lookup.ask(zone, "NS")).values
    hosts = sorted({value.target.to_text(omit_final_dot=True).lower() for value in names})
    found = await asyncio.gather(*(lookup.ask(host, kind) for host in hosts for kind in ("A", "AAAA")))
    addresses = dict.fromkeys(str(value.address) for answer in found for value in answer.values)
    return [address for address in addresses if address_kind(address) is not AddressKind.UNUSABLE]


async def _state(address: str, record: Record, present: bool, zone: str) -> tuple[Finding | None, bool]:
    """What is wrong at one server, and whether it answered."""
    query = dns.message.make_query(record.name, record.kind)
    query.flags &= ~dns.flags.RD
    try:
        message, _ = await dns.asyncquery.udp_with_fallback(
            query, address, _WAIT, PORT, ignore_unexpected=True, ignore_errors=True
        )
    except dns.exception.Timeout:
        return Finding("dns01_server_silent", _text(zone, address, f"did not answer within {_WAIT:g} s")), False
    except (OSError, EOFError, dns.exception.DNSException) as error:
        return Finding("dns01_server_silent", _text(zone, address, f"gave no answer: {error}")), False
    if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) or not message.flags & dns.flags.AA:
        code = dns.rcode.to_text(message.rcode())
        words = f"is not responsible for the zone ({code}): a lame delegation"
        return Finding("dns01_server_lame", _text(zone, address, words)), True
    if holds(message, record) is present:
        return None, True
    words = f"{'does not show' if present else 'still shows'} the {record.kind} value at {record.name}"
    return Finding("dns01_not_everywhere", _text(zone, address, words)), True


def holds(message: dns.message.Message, record: Record) -> bool:
    """Whether the answer's set at the record's own name has its value; CNAMEs are not followed."""
    for rrset in message.answer:
        if rrset.name.to_text(omit_final_dot=True).lower() == record.name and rrset.rdtype == _kind(record):
            return any(_same(value, record) for value in rrset)
    return False


def _same(value: dns.rdata.Rdata, record: Record) -> bool:
    if record.kind == "TXT":
        parts: Sequence[bytes] = getattr(value, "strings", ())
        return b"".join(parts) == record.value.encode()
    return value == dns.rdata.from_text(dns.rdataclass.IN, _kind(record), record.value)


def _kind(record: Record) -> dns.rdatatype.RdataType:
    return dns.rdatatype.from_text(record.kind)


def _text(zone: str, address: str, words: str) -> str:
    return f"{zone}: its name server {address} {words}"
