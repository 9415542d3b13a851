"""One value more or less in a zone file; everything else in it stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import dns.rdata

from jobs.dns_backends.system.in_the_way import refuse_in_the_way
from jobs.dns_backends.system.values import means, value_of
from jobs.dns_backends.system.zone_before import Target, look
from jobs.dns_backends.system.zone_publish import Change, publish, shown
from jobs.policy import zone_file, zone_listing
from jobs.policy.failure import Failure
from jobs.policy.zone_listing import Listed
from jobs.ports import Record


def add(target: Target, record: Record, value: dns.rdata.Rdata) -> None:
    """Raises Failure; the zone is as before then."""
    before = look(target)
    refuse_in_the_way(before.records, target.zone.name, record)
    present = zone_listing.record_set(before.records, record.name, record.kind)
    if not _meaning(present, value):
        ttl = present[0].ttl if present else record.ttl
        line = f"{record.name}. {ttl} IN {record.kind} {value.to_text()} {zone_file.MARK}"
        change = Change(record, value, present=True, ttl=ttl)
        publish(target, before, zone_file.with_line(before.text, line), change)
    elif not shown(target, Change(record, value, present=True)):
        words = f"{target.zone.name}: {record.name} {record.kind} stands in the file, but {target.server} shows it not"
        raise Failure("zone_served_differently", words)


def holds(target: Target, record: Record, value: dns.rdata.Rdata) -> bool:
    """Whether the value stands in the zone, in whatever line. Raises Failure."""
    return bool(_meaning(zone_listing.record_set(look(target).records, record.name, record.kind), value))


def remove(target: Target, record: Record, value: dns.rdata.Rdata) -> None:
    """Raises Failure; the zone is as before then."""
    before, zone = look(target), target.zone.name
    if not _meaning(zone_listing.record_set(before.records, record.name, record.kind), value):
        return
    text = before.text
    while found := _entry(text, zone, record, value):
        text = zone_file.without(text, zone, found)
    if text == before.text:
        words = f"{zone}: {record.name} {record.kind} doesn't stand in {target.zone.file} itself"
        raise Failure("zone_file_unsupported", f"{words}, but in what it includes or generates", permanent=True)
    publish(target, before, text, Change(record, value, present=False))


def _meaning(records: Sequence[Listed], value: dns.rdata.Rdata) -> list[Listed]:
    return [one for one in records if means(value_of(one.kind, one.value), value)]


def _entry(text: str, zone: str, record: Record, value: dns.rdata.Rdata) -> zone_file.Entry | None:
    for entry in zone_file.entries(text, zone):
        if (entry.owner, entry.kind) == (record.name, record.kind) and means(value_of(entry.kind, entry.value), value):
            return entry
    return None
