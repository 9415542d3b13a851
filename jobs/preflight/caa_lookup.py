"""Fetches the CAA sets on the way from a name to the top (RFC 8659 section 3)."""

from __future__ import annotations

import asyncio
import secrets

from jobs.policy.caa import CaaRecord, CaaStep, climb
from jobs.preflight.resolver import Found, Lookup
from jobs.preflight.wire import Status


async def caa_steps(lookup: Lookup, name: str, limit: float) -> tuple[CaaStep, ...]:
    """The steps up to and with the first set, or the first one that got no answer. Sets are shared by all names.
    `limit` in seconds."""
    steps: list[CaaStep] = []
    at = name
    try:
        async with asyncio.timeout(limit):
            for at in climb(name):
                steps.append(_step(at, await lookup.ask(at, "CAA")))
                if steps[-1].records or steps[-1].error:
                    break
    except TimeoutError:
        steps.append(CaaStep(at, at, error=f"its name servers took over {limit:g} s"))
    return tuple(steps)


async def true_owner(lookup: Lookup, step: CaaStep) -> str:
    """The name at which the set of `step` stands: of what answers for every name below it (RFC 4592), the `*`.

    A set at the name itself would make that name exist, and take away what `*` answered for it until then.
    """
    above = step.owner.partition(".")[2]
    if not above or not await _same(lookup, f"{secrets.token_hex(8)}.{above}", step):
        return step.owner
    found = step.owner
    for at in climb(above):
        if not await _same(lookup, f"*.{at}", step):
            break
        found = f"*.{at}"
    return found


async def _same(lookup: Lookup, name: str, step: CaaStep) -> bool:
    """Whether `name` has this set as its own."""
    found = await lookup.ask(name, "CAA")
    return found.owner == name and set(_step(name, found).records) == set(step.records)


def _step(asked: str, found: Found) -> CaaStep:
    if found.status is Status.LOOP:
        return CaaStep(asked, found.owner, error="its CNAME records run in a circle or are too many")
    if found.status in (Status.SERVFAIL, Status.TIMEOUT):
        return CaaStep(asked, found.owner, error=found.detail)
    records = tuple(
        CaaRecord(value.flags, value.tag.decode("latin-1").lower(), value.value.decode("latin-1"))
        for value in found.values
    )
    return CaaStep(asked, found.owner, records)
