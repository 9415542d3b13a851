"""Whether CAA records let the CA certify a name, and the record that is missing where this host may add it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.policy.caa import CaaStep, judge
from jobs.policy.options import CaaMode
from jobs.policy.verdict import Finding
from jobs.preflight.caa_lookup import caa_steps
from jobs.preflight.resolver import Lookup
from jobs.zones import Zones


@dataclass(frozen=True, slots=True)
class Issuer:
    """The CA as CAA records name it: the domains that it recognizes, and the URL of our account there."""

    identities: tuple[str, ...]
    account_uri: str | None
    provider: str = ""


NO_ISSUER = Issuer((), None)


@dataclass(frozen=True, slots=True)
class Permission:
    """`finding` None: the CA may issue. `record`: the line that somebody has to add to the zone by hand.
    `remarks`: what was added, or would be, and what could not be told."""

    finding: Finding | None
    record: str = ""
    remarks: tuple[Finding, ...] = ()


async def permit(
    lookup: Lookup, zones: Zones, methods: Mapping[str, str], issuer: Issuer, mode: CaaMode, act: bool, limit: float
) -> dict[str, Permission]:
    """A permission for every name of `methods` (name -> the method by which it will be validated).

    Without `act` nothing is written: what would be added counts as permitted. `limit`: seconds a name's look-ups may
    take.
    """

    async def one(name: str, method: str) -> Permission:
        verdict = judge(name, await _steps(lookup, name, limit), issuer.identities, issuer.account_uri, method)
        remarks = (Finding("caa_identity_unknown", verdict.warning),) if verdict.warning else ()
        return Permission(None if verdict.allowed else Finding(verdict.code, verdict.text), verdict.record, remarks)

    found = await asyncio.gather(*(one(name, method) for name, method in methods.items()))
    return dict(zip(methods, found, strict=True))


async def _steps(lookup: Lookup, name: str, limit: float) -> tuple[CaaStep, ...]:
    try:
        async with asyncio.timeout(limit):
            return await caa_steps(lookup, name)
    except TimeoutError:
        return (CaaStep(name, name, error=f"it took over {limit:g} s"),)
