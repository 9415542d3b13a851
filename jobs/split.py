"""Step 5, of websites with more names than the provider's cap: their parts (`jobs/policy/split.py`), made, kept, ended.

A part is never ended while a name of it would lose its certificate by that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobs import records
from jobs.abilities import holds_several
from jobs.facts import service_labels
from jobs.install import release
from jobs.policy.coverage import OVER_CAP, holders
from jobs.policy.decision import Action, SiteFacts, presents_stored
from jobs.policy.failure import Failure
from jobs.policy.features import FeatureList
from jobs.policy.names import covers, wanted_names
from jobs.policy.site import Website
from jobs.policy.split import divide, taken_names, tidied
from jobs.report import Case
from jobs.world import Scope, World, policy_options


def with_tidy_parts(world: World, accounts: Mapping[str, FeatureList], websites: Sequence[Website]) -> list[Website]:
    """These websites, their parts without names that there are no more. What no website has is no part either."""
    divided = {site.part_of for site in websites if site.part_of}
    if not divided:
        return list(websites)
    taken = taken_names(records.websites())
    possible: dict[str, set[str]] = {}
    for site in websites:
        if site.main in divided:
            labels = service_labels(accounts[site.account], world.config.check)
            possible[site.main] = {name.fqdn for name in wanted_names(site, labels, (), taken)}
    return [
        site if site.part_of is None else tidied(site, possible[site.part_of])
        for site in websites if site.part_of is None or site.part_of in possible
    ]


def end_parts(world: World, scope: Scope, known: Sequence[SiteFacts]) -> list[Website]:
    """The websites of `known` without those parts that are not needed any more; services let go of them first."""
    by_main = {facts.website.main: facts for facts in known}
    kept = []
    for facts in known:
        why = _why_ended(facts, by_main.get(facts.website.part_of or ""))
        if not why or not (scope.plan_only or _ended(world, facts, why)):
            kept.append(facts.website)
    return kept


def split_over_cap(world: World, scope: Scope, cases: Sequence[Case]) -> list[Website]:
    """Give the names over the cap to parts, where a service can present them. Returns every website of which something
    changed, with its parts; the others of `cases` stay as they are."""
    specs, touched = world.ordering.provider.specs(), []
    families: dict[str, list[Case]] = {}
    for case in cases:
        families.setdefault(case.website.part_of or case.website.main, []).append(case)
    for main, family in families.items():
        whole = next((case for case in family if case.website.main == main), None)
        over = [name for case in family for name in _over(case)]
        if specs.max_names is None or whole is None or not over:
            continue
        if not holders(whole.facts, world.clock(), policy_options(world, scope)):
            continue
        parts = [case.website for case in family if case.website.part_of]
        division = divide(whole.website, parts, over, specs.max_names)
        if division.changed:
            touched += [whole.website, *division.parts]
            _keep(world, scope, division.changed)
    return touched


def _over(case: Case) -> list[str]:
    """Names that have no room and that nothing secures now; what a renewal would lose is waited for first."""
    plan = case.plan
    if plan is None or plan.action in (Action.LEAVE, Action.BLOCKED):
        return []
    left = [entry.name for entry in plan.left_off if entry.code == OVER_CAP]
    return [name for name in left if plan.action is Action.ORDER or not covers(plan.names, name)]


def _keep(world: World, scope: Scope, parts: Sequence[Website]) -> None:
    for part in parts:
        words = f"{part.part_of} has more names than one certificate holds; on a further one: {', '.join(part.names)}"
        world.log.say("info", words, account=part.account, website=part.main, code="split_off")
        if not scope.plan_only:
            records.keep_part(part, world.clock())


def _why_ended(facts: SiteFacts, whole: SiteFacts | None) -> str:
    """Why a part is not needed any more; empty while it is, and for a website that is none."""
    if facts.website.part_of is None:
        return ""
    if not facts.wanted:
        return "none of its names is wanted any more"
    if not facts.presented:
        return "no service is here that could present it"
    stored = whole.stored if whole else None
    if whole is None or stored is None or not all(covers(stored.names, name) for name in facts.names):
        return ""
    there = all(presents_stored(whole, service) for service in whole.several)
    return f"the certificate of {whole.website.main} has all of its names" if there else ""


def _ended(world: World, facts: SiteFacts, why: str) -> bool:
    """Whether every service let go of the part, so that its row could be ended."""
    part = facts.website
    for service in world.services:
        if service.name not in facts.presented or not holds_several(service):
            continue
        try:
            release(service, part, world.place, world.keeper)
        except Failure as failure:
            service.forget()
            words = f"{service.name}: it stays for now: {failure.detail}"
            world.log.say("warn", words, account=part.account, website=part.main, code=failure.code)
            return False
    world.log.say("info", f"ended, for {why}", account=part.account, website=part.main)
    records.end_part(part.main, world.clock())
    return True


def with_changed(cases: Sequence[Case], again: Sequence[Case]) -> list[Case]:
    """`cases` with those that were looked at again in their places, and the new ones at the end."""
    fresh = {case.website.main: case for case in again}
    former = [fresh.pop(case.website.main, case) for case in cases]
    return [*former, *fresh.values()]
