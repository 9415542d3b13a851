"""What a name server takes beside a record, and then never shows the record for."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.policy import zone_listing
from jobs.policy.failure import Failure
from jobs.policy.redirects import printable
from jobs.policy.zone_listing import Listed
from jobs.ports import Record


def cname_in_the_way(record: Record, target: str) -> Failure:
    """What to raise where the record's name is a CNAME to `target`."""
    words = f"{record.name} is a CNAME to {printable(target, 255)}, and beside a CNAME no {record.kind} record can "
    return Failure("zone_cname_in_the_way", f"{words}stand", permanent=True)


def refuse_in_the_way(records: Sequence[Listed], zone: str, record: Record) -> None:
    """Raises Failure where the record would stand beside a CNAME, or where the zone sends on to other servers."""
    for alias in zone_listing.record_set(records, record.name, "CNAME"):
        raise cname_in_the_way(record, alias.value)
    hidden = zone_listing.hidden_by(records, zone, record.name)
    if hidden is not None:
        words = f"{record.name}: the {hidden.kind} record of {hidden.owner} leads to {printable(hidden.value, 255)}"
        raise Failure("zone_delegated", f"{words}, out of this zone", permanent=True)
