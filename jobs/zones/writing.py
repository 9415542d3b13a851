"""Puts a value into a zone and takes it away, so that no crash in between leaves a value nobody knows of."""

from __future__ import annotations

from jobs.crash_points import edges
from jobs.policy.failure import Failure
from jobs.ports import Record
from jobs.zones import kept
from jobs.zones.serving import Serving, Zones

BACKEND_DOWN = frozenset({"dns_backend_timeout", "dns_backend_unreachable", "program_timeout"})
"""After these the backend is not asked for the rest: each one would take as long."""


def put(serving: Serving, record: Record, purpose: str, provider: str | None) -> None:
    """Write `record` beside what stands there. It is on the list first. Raises what the backend raises.

    `purpose`: `kept.CHALLENGE` or `kept.CAA`; `provider`: for whom a CAA record is.
    """
    kept.note(serving.backend.name, serving.zone, record, purpose, provider)
    with edges("add record"):
        serving.backend.add(record)


def take(zones: Zones, record: Record) -> None:
    """Take exactly that value away; it is no error when it is gone. One of ours goes by the backend that wrote it, out
    of the zone that it was written into: of any other one "it is gone" would say nothing.

    Raises Failure("dns_record_left") where no backend serves its zone any more, and what the backend raises; the value
    stays on the list then.
    """
    ours = kept.entry(record)
    if ours is None:
        serving = zones.serving(record.name, record.kind)
    else:
        serving = zones.by_name(ours.backend, ours.zone, record.name)
    if serving is None:
        words = f"{record.name}. {record.kind} {record.value}: it was put there by AutoSSL and can't be taken away"
        raise Failure("dns_record_left", f"{words}: {_why(zones, ours)}. Remove it by hand")
    with edges("remove record"):
        serving.backend.remove(record)
    kept.forget(record)


def _why(zones: Zones, ours: kept.Kept | None) -> str:
    """Nobody takes the value away."""
    if ours is None:
        return "; ".join(one.detail for one in zones.troubles.values()) or "no DNS backend serves its zone any more"
    silent = zones.troubles.get(ours.backend)
    if silent:
        return f"the DNS backend {ours.backend}, which wrote it, can't tell its zones: {silent.detail}"
    return f"the DNS backend {ours.backend}, which wrote it, does not serve {ours.zone} any more"
