"""Fetches the CAA sets on the way from a name to the top (RFC 8659 section 3)."""

from __future__ import annotations

from jobs.policy.caa import CaaRecord, CaaStep, climb
from jobs.preflight.resolver import Found, Lookup
from jobs.preflight.wire import Status


async def caa_steps(lookup: Lookup, name: str) -> tuple[CaaStep, ...]:
    """The steps up to and with the first set, or the first one that got no answer. Sets are shared by all names."""
    steps = []
    for asked in climb(name):
        step = _step(asked, await lookup.ask(asked, "CAA"))
        steps.append(step)
        if step.records or step.error:
            break
    return tuple(steps)


def _step(asked: str, found: Found) -> CaaStep:
    if found.status is Status.LOOP:
        return CaaStep(asked, found.owner, error="its CNAME records run in a circle or are too many")
    if found.status in (Status.SERVFAIL, Status.TIMEOUT):
        return CaaStep(asked, found.owner, error=found.detail)
    records = tuple(
        CaaRecord(value.flags, value.tag.decode("ascii").lower(), value.value.decode("latin-1"))
        for value in found.values
    )
    return CaaStep(asked, found.owner, records)
