"""Whether CAA records let the CA certify a name, once what is missing has been added where this host may add it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from jobs.policy.caa import Addition, CaaStep
from jobs.policy.caa_addition import Renewal, amended
from jobs.policy.finding import Finding
from jobs.policy.options import CaaMode
from jobs.preflight.caa_changes import Change, Decided, Done, Issuer, Judged, decide, judged, write_all
from jobs.preflight.caa_lookup import caa_steps, true_owner
from jobs.preflight.resolver import Lookup
from jobs.zones import Zones

NO_ISSUER = Issuer((), None)


@dataclass(frozen=True, slots=True)
class Permission:
    """`finding` None: the CA may issue. `record`: the line that somebody has to add to the zone by hand.
    `remarks`: what was added, or would be, and what could not be told. `steps`: the sets that were asked for, the
    deciding one last; the report tells it."""

    finding: Finding | None
    record: str = ""
    remarks: tuple[Finding, ...] = ()
    steps: tuple[CaaStep, ...] = ()


async def permit(
    lookup: Lookup,
    zones: Zones,
    methods: Mapping[str, str],
    passing: Collection[str],
    issuer: Issuer,
    mode: CaaMode,
    act: bool,
    limit: float,
) -> dict[str, Permission]:
    """A permission for every name of `methods` (name -> the method by which it will be validated).

    What is missing for those of `passing`, which would be validated, is put into zones that this host serves and that
    are of the name's account, each record once; then DNS is asked anew, and what it says
    counts. Without `act` nothing is written: what would be added counts as there. `limit`: seconds a name's look-ups
    may take.
    """
    before = await _placed(lookup, await _look(lookup, methods, issuer, limit), issuer, mode)
    decided = await asyncio.to_thread(decide, before, passing, zones, issuer, mode)
    changes = [change for some in decided.changes.values() for change in some]
    done: dict[Change, Done] = {}
    if act and changes:
        done = await write_all(lookup, zones, changes, issuer.provider)
        again = {one.name: one.method for one in before if _written(decided.changes.get(one.name, ()), done)}
        after = {one.name: one for one in await _look(lookup.afresh(), again, issuer, limit)}
    else:
        after = {name: _supposed(one, decided.changes[name], issuer) for one in before
                 if (name := one.name) in decided.changes}
    telling = _Telling(decided, done, act, zones)
    return {one.name: telling.permission(one, after.get(one.name, one)) for one in before}


async def _look(lookup: Lookup, methods: Mapping[str, str], issuer: Issuer, limit: float) -> list[Judged]:
    async def one(name: str, method: str) -> Judged:
        return judged(name, method, await caa_steps(lookup, name, limit), issuer)

    return list(await asyncio.gather(*(one(name, method) for name, method in methods.items())))


async def _placed(lookup: Lookup, names: Sequence[Judged], issuer: Issuer, mode: CaaMode) -> list[Judged]:
    """The same, each set that is to be changed, by us or by somebody, at its true owner."""
    touched: dict[str, CaaStep] = {}
    for one in names:
        if one.set and (not one.verdict.allowed or issuer.former or mode is CaaMode.ALWAYS):
            touched.setdefault(one.set.owner, one.set)
    found = await asyncio.gather(*(true_owner(lookup, each) for each in touched.values()))
    owners = dict(zip(touched, found, strict=True))
    return [_moved(one, owners, issuer) for one in names]


def _moved(one: Judged, owners: Mapping[str, str], issuer: Issuer) -> Judged:
    standing = one.set
    if standing is None or owners.get(standing.owner, standing.owner) == standing.owner:
        return one
    steps = tuple(replace(step, owner=owners[step.owner]) if step is standing else step for step in one.steps)
    return judged(one.name, one.method, steps, issuer)


def _supposed(one: Judged, changes: Sequence[Change], issuer: Issuer) -> Judged:
    """As it will be once the changes are made."""
    what = [change.what for change in changes]
    added = [each for each in what if isinstance(each, Addition)]
    renewed = [each for each in what if isinstance(each, Renewal)]
    return judged(one.name, one.method, amended(one.steps, added, renewed), issuer)


def _written(changes: Sequence[Change], done: Mapping[Change, Done]) -> bool:
    return any(done[change].failed is None for change in changes)


class _Telling:
    """What is said of each name after all was tried. What a change that no name needed came to is said once."""

    def __init__(self, decided: Decided, done: Mapping[Change, Done], act: bool, zones: Zones) -> None:
        self._decided = decided
        self._done = done
        self._act = act
        self._zones = zones
        self._said: set[Change] = set()

    def permission(self, before: Judged, after: Judged) -> Permission:
        changes = self._decided.changes.get(before.name, ())
        needed = not before.verdict.allowed
        remarks = [after.verdict.warning] if after.verdict.warning else []
        trouble: Permission | None = None
        for change in changes:
            done = self._done.get(change, Done())
            found = self._trouble(before.name, change, done)
            if found and needed:
                trouble = trouble or found
            elif found and found.finding and change not in self._said:
                remarks.append(found.finding)
            elif not found and (needed or change not in self._said):
                remarks += self._told(change, done)
            self._said.add(change)
        if trouble:
            return replace(trouble, remarks=tuple(remarks), steps=after.steps)
        if after.verdict.allowed:
            return Permission(None, "", tuple(remarks), after.steps)
        return self._refusal(after, remarks)

    def _refusal(self, after: Judged, remarks: list[Finding]) -> Permission:
        verdict, why = after.verdict, self._decided.why_not.get(after.name)
        text = f"{verdict.text}. Not added by itself: {why}" if why else verdict.text
        addition = verdict.addition
        if addition and not why and self._zones.troubles and not self._zones.serving(addition.owner, "CAA"):
            remarks = [*remarks, *(Finding(failure.code, failure.detail) for failure in self._zones.troubles.values())]
        return Permission(Finding(verdict.code, text), verdict.record, tuple(remarks), after.steps)

    def _trouble(self, name: str, change: Change, done: Done) -> Permission | None:
        what, backend = change.what, change.serving.backend.name
        if done.failed:
            words = f"{name}: the CAA record could not be added by {backend}: {done.failed.text}. Add by hand: {what}"
            return Permission(Finding(done.failed.code, words), str(what))
        if done.lagging:
            lagging = "; ".join(finding.text for finding in done.lagging)
            words = f"{name}: the CAA record {what} was added by {backend}, but not all name servers show it: {lagging}"
            return Permission(Finding("caa_not_everywhere", words))
        return None

    def _told(self, change: Change, done: Done) -> list[Finding]:
        what, last = change.what, "; from now on no other CA may issue there" if change.only_ours else ""
        if isinstance(what, Renewal):
            if not self._act:
                return [Finding("caa_would_renew", f"the CAA record of a former account would be replaced: {what}")]
            if done.left:
                words = f"the CAA record {what} was added; that of the former account could not be taken away"
                return [Finding(done.left.code, f"{words}: {done.left.text}")]
            return [Finding("caa_renewed", f"the CAA record of a former account was replaced: {what}")]
        if not self._act:
            return [Finding("caa_would_add", f"the CAA record {what} would be added{last}")]
        code = "caa_only_ours" if change.only_ours else "caa_added"
        return [Finding(code, f"the CAA record {what} was added{last}")]
