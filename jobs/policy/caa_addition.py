"""Which CAA records are put into a set, and which take another's place: decided here, written elsewhere.

A set is only ever added to, at the very name where it stands. Where its owner forbids on purpose, or means something
that we can't read, nothing is touched.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from jobs.policy.caa import Addition, CaaRecord, CaaStep, CaaVerdict, known
from jobs.policy.caa_value import for_account, plain, read

_LEFT_ALONE = {
    "caa_forbids_everyone": "its owner forbids on purpose that anybody issues, and that is not overridden",
    "caa_critical": "a set with a critical record that nobody understands is not touched",
    "caa_lookup_failed": "nothing is added to what can't be read",
}
"""Why nothing is added, by the code of the verdict."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A record of an account that we have no more, and the same one for the account that we have now."""

    owner: str
    old: CaaRecord
    new: CaaRecord

    def __str__(self) -> str:
        return f"{self.owner}. CAA {zone_text(self.new)}"


def missing(verdicts: Mapping[str, CaaVerdict]) -> dict[str, Addition | str]:
    """For each name that is forbidden, the record to add, or why none is. Names of one set that need the same record
    but for the method of validation get one for all of them: a set grows by one `issue` and one `issuewild` at most.
    """
    wanted = {name: _wanted(verdict) for name, verdict in verdicts.items() if not verdict.allowed}
    methods: dict[tuple[str, str], set[str]] = {}
    for one in wanted.values():
        if isinstance(one, Addition):
            methods.setdefault((one.owner, one.tag), set()).update(one.methods)
    return {
        name: replace(one, methods=tuple(sorted(methods[one.owner, one.tag]))) if isinstance(one, Addition) else one
        for name, one in wanted.items()
    }


def _wanted(verdict: CaaVerdict) -> Addition | str:
    if verdict.code in _LEFT_ALONE:
        return _LEFT_ALONE[verdict.code]
    if verdict.addition is None:
        return "there is no account yet that the record could name"
    if verdict.addition.owner.startswith("*."):
        return "the set stands at a wildcard of the zone, below which nothing is added"
    return verdict.addition


def always(steps: Sequence[CaaStep], apex: str | None, identities: Sequence[str]) -> tuple[Addition, ...]:
    """What is added without need, when that is chosen: beside the nearest set, `issue`, and `issuewild` where there is
    one already (the first one would take wildcards from all others); where no set stands, `issue` at `apex`, that of
    the zone which is served (None: none is). Never against a prohibition, and nothing where the CA has conditions."""
    ours = known(identities)
    if not ours or any(step.error for step in steps):
        return ()
    step = next((step for step in steps if step.records), None)
    if step is None:
        return (Addition(apex, "issue", ours[0]),) if apex else ()
    if step.owner.startswith("*.") or any(record.closed for record in step.records):
        return ()
    return tuple(Addition(step.owner, tag, ours[0]) for tag in ("issue", "issuewild") if _lacks(step, tag, ours))


def _lacks(step: CaaStep, tag: str, ours: Sequence[str]) -> bool:
    values = step.values(tag)
    if not values:
        return tag == "issue"
    named = [value.issuer for value in values if value.issuer]
    return bool(named) and not any(issuer in ours for issuer in named)


def locks_out(step: CaaStep | None, addition: Addition) -> bool:
    """Whether it is the first record of its kind, so that from then on no other CA may issue."""
    return step is None or not step.values(addition.tag)


def renewals(
    step: CaaStep, identities: Sequence[str], account_uri: str | None, former: Collection[str]
) -> tuple[Renewal, ...]:
    """The records of a set that name an account which we had before, and what takes their place."""
    if not account_uri or not former or step.owner.startswith("*."):
        return ()
    ours, found = known(identities), []
    for record in step.records:
        if record.tag not in ("issue", "issuewild") or read(record.value).issuer not in ours:
            continue
        value = for_account(record.value, frozenset(former), account_uri)
        if value is not None:
            found.append(Renewal(step.owner, record, CaaRecord(record.flags, record.tag, value)))
    return tuple(found)


def zone_text(record: CaaRecord) -> str:
    """As in a zone file. Raises ValueError for a value that would have to be escaped: such a one is never ours."""
    if not plain(record.value):
        raise ValueError(f"a value that needs escapes: {record}")
    return f'{record.flags} {record.tag} "{record.value}"'


def amended(
    steps: Sequence[CaaStep], additions: Collection[Addition], renewed: Collection[Renewal] = ()
) -> tuple[CaaStep, ...]:
    """The sets as they are once all this is written."""
    return tuple(_amended(step, additions, renewed) for step in steps)


def _amended(step: CaaStep, additions: Collection[Addition], renewed: Collection[Renewal]) -> CaaStep:
    if step.error:
        return step
    gone = {one.old for one in renewed if one.owner == step.owner}
    kept = [record for record in step.records if record not in gone]
    new = [one.new for one in renewed if one.owner == step.owner]
    new += [one.record for one in additions if one.owner == step.owner]
    return replace(step, records=tuple(dict.fromkeys([*kept, *new])))
