"""Puts a value into a zone and takes it away, so that no crash in between leaves a value nobody knows of."""

from __future__ import annotations

from jobs.policy.failure import Failure
from jobs.ports import Record
from jobs.zones import kept
from jobs.zones.serving import Serving, Zones


def put(serving: Serving, record: Record, purpose: str, provider: str | None) -> None:
    """Write `record` beside what stands there. It is on the list first. Raises what the backend raises.

    `purpose`: `kept.CHALLENGE` or `kept.CAA`; `provider`: for whom a CAA record is.
    """
    kept.note(serving.backend.name, serving.zone, record, purpose, provider)
    serving.backend.add(record)


def take(zones: Zones, record: Record) -> None:
    """Take exactly that value away; it is no error when it is gone.

    Raises Failure("dns_record_left") where no backend serves its zone any more, and what the backend raises; the value
    stays on the list then.
    """
    serving = zones.serving(record.name, record.kind)
    if serving is None:
        trouble = "; ".join(one.detail for one in zones.troubles.values()) or "no DNS backend serves its zone any more"
        words = f"{record.name}. {record.kind} {record.value}: it was put there by AutoSSL and can't be taken away"
        raise Failure("dns_record_left", f"{words}: {trouble}. Remove it by hand")
    serving.backend.remove(record)
    kept.forget(record)
