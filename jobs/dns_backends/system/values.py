"""The value of a record as DNS has it, checked before anything is written, and compared by what it means."""

from __future__ import annotations

import re
from collections.abc import Collection

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.CAA import CAA
from dns.rdtypes.ANY.TXT import TXT

from jobs.policy.failure import Failure
from jobs.ports import Record

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"\A(?!.{{254}})(?:{_LABEL}\.)+{_LABEL}\Z")
_TEXT = re.compile(r"\A[\x20-\x7e]{1,2048}\Z")
_LONGEST_STRING = 255
_DAY = 86400


def rdata_of(record: Record) -> dns.rdata.Rdata:
    """The record's value. Raises Failure("zone_record_invalid") for a name, kind, value or TTL that nobody writes."""
    if not _NAME.match(record.name):
        raise _invalid(record, "the name is not made of letters, digits, hyphens and underscores")
    if not 1 <= record.ttl <= 7 * _DAY:
        raise _invalid(record, f"expected a TTL of 1 to {7 * _DAY} seconds, got {record.ttl}")
    if not _TEXT.match(record.value):
        raise _invalid(record, "the value is empty, too long, or holds other than printable ASCII signs")
    if record.kind == "TXT":
        raw = record.value.encode("ascii")
        strings = [raw[at : at + _LONGEST_STRING] for at in range(0, len(raw), _LONGEST_STRING)]
        return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings)
    if record.kind == "CAA":
        return value_of("CAA", record.value, record)
    raise _invalid(record, "only TXT and CAA records are written")


def value_of(kind: str, text: str, record: Record | None = None) -> dns.rdata.Rdata:
    """A value as a zone file has it, generic forms (`\\# 9 00...`, RFC 3597) included.

    Raises Failure("zone_record_invalid").
    """
    try:
        found: dns.rdata.Rdata = dns.rdata.from_text(dns.rdataclass.IN, kind, text, origin=dns.name.root)
    except (dns.exception.DNSException, ValueError) as error:
        asked = record or Record("", kind, text)
        raise _invalid(asked, f"it can't be read: {error}") from error
    return found


def means(found: dns.rdata.Rdata, wanted: dns.rdata.Rdata) -> bool:
    """Whether two values say the same: a text may be cut into strings anywhere, a CAA tag has no case (RFC 8659)."""
    if isinstance(found, TXT) and isinstance(wanted, TXT):
        return b"".join(found.strings) == b"".join(wanted.strings)
    if isinstance(found, CAA) and isinstance(wanted, CAA):
        facts = [(value.flags, value.tag.lower(), value.value) for value in (found, wanted)]
        return bool(facts[0] == facts[1])
    return False


def zone_name(text: str) -> str:
    """A zone's name as a person wrote it, in lower case without the final dot.

    Raises Failure("option_invalid").
    """
    name = text.strip().lower().removesuffix(".")
    if not _NAME.match(name):
        words = f"zone {text[:80]!r}: expected a domain name such as example.com (international ones as xn--...)"
        raise Failure("option_invalid", words, permanent=True)
    return name


def held_by(zones: Collection[str], name: str) -> str | None:
    """The longest of the zones that `name` is, or is below; None: it is in none of them."""
    while name and name not in zones:
        name = name.partition(".")[2]
    return name or None


def zone_of(zones: Collection[str], record: Record, backend: str) -> str:
    """The one of a backend's zones that holds the record's name. Raises Failure("zone_not_served")."""
    zone = held_by(zones, record.name)
    if zone is None:
        words = f"{record.name}: none of the zones of {backend} holds it"
        raise Failure("zone_not_served", words, permanent=True)
    return zone


def _invalid(record: Record, why: str) -> Failure:
    words = f"{record.name[:260]!r} {record.kind[:10]} {record.value[:80]!r}: not written, because {why}"
    return Failure("zone_record_invalid", words, permanent=True)
