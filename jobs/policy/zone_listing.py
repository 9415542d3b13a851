"""What a zone holds by the name server's own reading: the canonical listing that named-checkzone writes of a file.

$INCLUDE, $GENERATE, relative names and inherited fields are resolved there, so that two files can be compared by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_ADDRESSED = frozenset({"A", "AAAA", "CNAME", "MX"})


@dataclass(frozen=True, slots=True)
class Listed:
    """One record; `owner` in lower case without the final dot, `value` as named writes it."""

    owner: str
    ttl: int
    kind: str
    value: str


def listed(text: str) -> tuple[Listed, ...]:
    """The records of a listing in the style `full`: owner, TTL, class, type, value on one line each.

    Raises ValueError for anything else.
    """
    found = []
    for line in text.splitlines():
        fields = line.split(None, 4)
        if len(fields) < 4 or not fields[1].isdigit() or not fields[0].endswith("."):
            raise ValueError(f"expected a record, got {line[:80]!r}")
        value = " ".join(fields[4].split()) if len(fields) > 4 and '"' not in fields[4] else "".join(fields[4:])
        found.append(Listed(fields[0][:-1].lower(), int(fields[1]), fields[3].upper(), value))
    return tuple(found)


def serial(records: Iterable[Listed], zone: str) -> int:
    """The zone's serial number. Raises ValueError."""
    for record in records:
        if record.kind == "SOA" and record.owner == zone:
            return int(record.value.split()[2])
    raise ValueError(f"the listing has no SOA record of {zone or '.'}")


def record_set(records: Iterable[Listed], owner: str, kind: str) -> tuple[Listed, ...]:
    return tuple(record for record in records if (record.owner, record.kind) == (owner, kind))


def hidden_by(records: Sequence[Listed], zone: str, owner: str) -> Listed | None:
    """The record because of which the zone does not answer for `owner` itself: a delegation at or above it, or a DNAME
    above it (RFC 1034 section 4.2.1, RFC 6672 section 2.4)."""
    for record in records:
        below = owner.endswith(f".{record.owner}") and record.owner != zone
        if record.kind == "NS" and record.owner != zone and (below or owner == record.owner):
            return record
        if record.kind == "DNAME" and owner.endswith(f".{record.owner}"):
            return record
    return None


def lost_to(records: Sequence[Listed], zone: str, owner: str) -> str | None:
    """The name nearest to the apex that has an address by a wildcard only, and none any more once something stands at
    `owner`: every name that exists shadows the wildcard, and so does one above it (RFC 4592 section 2.2). `owner`
    itself does not count where its first label begins with `_`: nobody has an address there."""
    there = {zone}
    for record in records:
        there.update(_up_to(record.owner, zone))
    missing = [name for name in _up_to(owner, zone) if name not in there]
    if not missing:
        return None
    wildcard = f"*.{missing[-1].partition('.')[2]}"
    if not any(record.owner == wildcard and record.kind in _ADDRESSED for record in records):
        return None
    named = [name for name in missing if not (name == owner and name.startswith("_"))]
    return named[-1] if named else None


def _up_to(name: str, zone: str) -> Iterator[str]:
    """A name and those above it, below the apex."""
    while name.endswith(f".{zone}"):
        yield name
        name = name.partition(".")[2]


def difference(
    before: Iterable[Listed], after: Iterable[Listed], zone: str, any_ttl: tuple[str, str] | None = None
) -> tuple[list[Listed], list[Listed]]:
    """The records that are gone and those that are new; the serial number doesn't count, other fields of SOA do.

    `any_ttl`: owner and kind of a set of which the TTL doesn't count: where its lines differ, the first one rules.
    """
    was, now = (Counter(_compared(record, zone, any_ttl) for record in records) for records in (before, after))
    return list((was - now).elements()), list((now - was).elements())


def _compared(record: Listed, zone: str, any_ttl: tuple[str, str] | None) -> Listed:
    if (record.owner, record.kind) == any_ttl:
        return Listed(record.owner, 0, record.kind, record.value)
    if record.kind != "SOA" or record.owner != zone:
        return record
    fields = record.value.split()
    return Listed(record.owner, record.ttl, record.kind, " ".join([*fields[:2], *fields[3:]]))
