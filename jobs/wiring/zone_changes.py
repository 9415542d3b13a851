"""What the command line changes in zones: a backend put to the proof, and what we put there taken away again.

Both hold the work lock: a check sweeps challenge values that nobody waits for any more, and adds CAA records.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from jobs import queue
from jobs.abilities import leaves_behind
from jobs.policy.delegation import CHALLENGE
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.site import InvalidName, hostname
from jobs.ports import Record
from jobs.preflight.resolver import lookup_by
from jobs.wiring.instance import Instance
from jobs.wiring.parts import zones
from jobs.wiring.setup import LOCK
from jobs.zones import Serving, Zones, kept
from jobs.zones.authoritative import seen_everywhere
from jobs.zones.writing import put, take

LIMIT = 120.0
"""Seconds in which every name server has to show a value, and again to show it no more."""

TTL = 60
Say = Callable[[str], None]


def prove(instance: Instance, text: str, say: Say) -> dict[str, Any]:
    """Write one random TXT value into the zone `text`, see it at all its name servers, take it away, see it gone; each
    step is told to `say`. The value is taken away in every outcome.

    Raises Failure("name_invalid"), Failure("zone_not_served"), and what the backend raises.
    """
    try:
        zone = hostname(text)
    except InvalidName as error:
        raise Failure("name_invalid", f"{text[:260]!r}: {error}", permanent=True) from error
    with _locked(instance, say):
        known = zones(instance)
        serving, name = _serving(known, zone)
        say(f"{serving.zone} is served by the backend {serving.backend.name}")
        findings = _there_and_back(instance, known, serving, Record(name, "TXT", secrets.token_urlsafe(32), TTL), say)
    return {
        "zone": serving.zone,
        "backend": serving.backend.name,
        "name": name,
        "ok": not findings,
        "findings": [{"code": one.code, "text": one.text} for one in findings],
    }


def undo(instance: Instance, say: Say) -> dict[str, Any]:
    """Take away everything of ours that stands in zones: CAA records, and answers to challenges that were left.

    What can't be taken away stays on the list, and is told under "left".
    """
    taken, left = [], []
    with _locked(instance, say):
        known = zones(instance)
        for one in (*kept.left(kept.CAA), *kept.left(kept.CHALLENGE)):
            shown = {"zone": one.zone, "backend": one.backend, "name": one.record.name, "kind": one.record.kind,
                     "value": one.record.value}
            try:
                take(known, one.record)
                taken.append(shown)
            except Failure as failure:
                left.append({**shown, "code": failure.code, "text": failure.detail})
    return {"taken": taken, "left": left}


def _there_and_back(
    instance: Instance, known: Zones, serving: Serving, record: Record, say: Say
) -> list[Finding]:
    """What was wrong on the way; empty when every name server showed the value, and none does any more."""
    try:
        put(serving, record, kept.CHALLENGE, None)
    except Failure:
        with suppress(Failure):  # what came first is told; the value stays on the list, should it have been written
            take(known, record)
        raise
    try:
        say(f"written: {record.name}. TXT, a random value; waiting for the name servers")
        missing = asyncio.run(_wait(instance, record, True, say))
        say("every name server shows it" if not missing else f"not everywhere: {_joined(missing)}")
    finally:
        take(known, record)
    if leaves_behind(serving.backend):
        say(f"done with it; {serving.backend.name} can't take a value away, newer ones push it out")
        return missing
    say("taken away; waiting for the name servers")
    left = asyncio.run(_wait(instance, record, False, say))
    say("no name server shows it any more" if not left else f"still to be seen: {_joined(left)}")
    return [*missing, *left]


def _serving(known: Zones, zone: str) -> tuple[Serving, str]:
    """Who writes there, and at which name: the one of a real challenge, or the zone's own, where it holds no other."""
    for name in (f"{CHALLENGE}.{zone}", zone):
        serving = known.serving(name, "TXT")
        if serving is not None:
            return serving, name
    silent = "; ".join(f"{name}: {failure.detail}" for name, failure in known.troubles.items())
    said = f" ({silent})" if silent else ""
    raise Failure("zone_not_served", f"{zone}: no DNS backend that is in use serves it{said}", permanent=True)


async def _wait(instance: Instance, record: Record, present: bool, say: Say) -> list[Finding]:
    """Each time with nothing remembered: an older answer must not be believed."""
    config = instance.config
    lookup = lookup_by(config.dns.resolvers, config.validation.timeout)
    seen = await seen_everywhere(lookup, record, present, LIMIT)
    for remark in seen.remarks:
        say(remark.text)
    return list(seen.against)


@contextmanager
def _locked(instance: Instance, say: Say) -> Iterator[None]:
    def wait() -> None:
        say("a check is running on this instance; waiting for it")

    with queue.instance_lock(instance.place.instance / LOCK, wait, give_up=lambda: False):
        yield


def _joined(findings: list[Finding]) -> str:
    return "; ".join(one.text for one in findings)
