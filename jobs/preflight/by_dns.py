"""Validation by DNS, tried before the CA is asked: a TXT value put, seen everywhere, and taken away again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from jobs.policy.verdict import Finding
from jobs.preflight.resolver import Lookup
from jobs.zones import Zones


@dataclass(frozen=True, slots=True)
class ByDns:
    """The outcome for one name. `trouble` None: a CA would validate it by dns-01."""

    trouble: Finding | None
    report: tuple[str, ...] = ()


async def validate_by_dns(lookup: Lookup, zones: Zones, names: Collection[str], act: bool) -> dict[str, ByDns]:
    """Try the names that HTTP can't validate; one that no backend serves is absent from the answer.

    Without `act` nothing is written: what could be tried counts as passed.
    """
    return {}
