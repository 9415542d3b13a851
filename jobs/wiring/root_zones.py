"""Values in zones of the name server on this host, as the root side writes them: where no harm can come of it."""

from __future__ import annotations

from collections.abc import Callable

from jobs.abilities import sees_zone
from jobs.policy import root_contract
from jobs.policy.failure import Failure
from jobs.ports import Record
from jobs.zones import Zones, kept
from jobs.zones.writing import put, take

MOST = {"TXT": 2000, "CAA": 5000}
"""Values that stand in zones at a time."""

_PURPOSE = {"TXT": kept.CHALLENGE, "CAA": kept.CAA}


def zone_for(zones: Zones, name: str) -> str | None:
    """The zone that holds a name. Raises Failure."""
    bare = name.removeprefix("*.")
    serving = zones.serving(bare) if root_contract.is_record_name(bare) else None
    return serving.zone if serving else None


def add(zones: Zones, record: Record, wait: Callable[[], None]) -> None:
    """Raises Failure. What stands there already is its owner's, and is never noted as ours: it could be taken away
    then. `wait`: called before a change."""
    root_contract.refuse_odd_record(record.name, record.kind, record.value, record.ttl)
    serving = zones.serving(record.name, record.kind)
    if serving is None:
        raise Failure("zone_not_served", f"{record.name}: no zone in a file of this host holds it", permanent=True)
    backend, purpose = serving.backend, _PURPOSE[record.kind]
    if sees_zone(backend) and not kept.known(record):
        if backend.holds(record):
            return
        down = backend.takes_down(record)
        if down:
            words = f"{down} answers only by a wildcard of {serving.zone}, and a record at {record.name} would end that"
            raise Failure("dns01_wildcard_only", words, permanent=True)
    if len(kept.left(purpose)) >= MOST[record.kind]:
        words = f"{record.name}: {MOST[record.kind]} values of that kind stand in zones of this host already"
        raise Failure(root_contract.REFUSED, words)
    wait()
    put(serving, record, purpose, None)


def remove(zones: Zones, record: Record, wait: Callable[[], None]) -> None:
    """Only what was put there from here: the rest of a zone is its owner's. Raises Failure."""
    root_contract.refuse_odd_record(record.name, record.kind, record.value, record.ttl)
    if kept.known(record):
        wait()
        take(zones, record)
