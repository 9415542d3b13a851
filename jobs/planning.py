"""Steps 2 to 5 for all websites of a run: what is known of them, what follows from it, and their plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from jobs import facts, records
from jobs.policy.decision import SiteFacts, decide
from jobs.policy.features import FeatureList
from jobs.policy.plan import plan
from jobs.policy.site import Website
from jobs.policy.verdict import Verdict
from jobs.record import say, say_plan
from jobs.report import Case
from jobs.split import end_parts, split_over_cap, with_changed, with_tidy_parts
from jobs.store import live_set, set_damage
from jobs.validate import preflight_names, verdicts_of
from jobs.world import Scope, World, policy_options


def decide_each(world: World, scope: Scope, accounts: Mapping[str, FeatureList]) -> list[Case]:
    """Steps 2 and 3: what is known, and what follows from it."""
    if world.zones:
        world.zones.rights = world.rights()
    websites = [site for site in records.websites(scope.accounts) if site.account in accounts]
    websites = with_tidy_parts(world, accounts, websites)
    known = _gathered(world, accounts, websites)
    needed = end_parts(world, scope, known)
    cases = _decided(world, scope, accounts, known if needed == websites else _gathered(world, accounts, needed))
    _say_decisions(world, cases)
    return cases


def decide_again(
    world: World, scope: Scope, accounts: Mapping[str, FeatureList], websites: Sequence[Website]
) -> list[Case]:
    """The same of some websites for another provider, whom no order that is under way concerns."""
    mains = {site.main for site in websites}
    families = {site.part_of or site.main for site in websites}
    known = {site.main: site for site in records.websites({site.account for site in websites})}
    known |= {site.main: site for site in websites}
    together = [site for site in known.values() if (site.part_of or site.main) in families]
    free = [
        replace(facts, under_way={}, ordered_wait=None, ordered_at="")
        for facts in _gathered(world, accounts, together) if facts.website.main in mains
    ]
    return _decided(world, scope, accounts, free)


def plan_each(
    world: World,
    scope: Scope,
    accounts: Mapping[str, FeatureList],
    cases: Sequence[Case],
    verdicts: Mapping[str, Verdict],
) -> list[Case]:
    """Step 5: the plan of each website, shown in the log before anything is done. Names over the provider's cap become
    parts, which are decided and planned like any website."""
    for case in cases:
        case.verdicts = verdicts_of(world, scope, case, verdicts)
        plan_case(world, scope, case)
    changed = _decided(world, scope, accounts, _gathered(world, accounts, split_over_cap(world, scope, cases)))
    verdicts = preflight_names(world, scope, changed, verdicts)
    for case in changed:
        case.verdicts = verdicts_of(world, scope, case, verdicts)
        plan_case(world, scope, case)
    planned = with_changed(cases, changed)
    _say_decisions(world, planned[len(cases) :])
    for case in planned:
        say_plan(world.log, case)
    return planned


def _decided(
    world: World, scope: Scope, accounts: Mapping[str, FeatureList], known: Sequence[SiteFacts]
) -> list[Case]:
    options, now = policy_options(world, scope), world.clock()
    return [Case(site.website, site, decide(site, now, options), accounts[site.website.account]) for site in known]


def _say_decisions(world: World, cases: Sequence[Case]) -> None:
    for case in cases:
        say(world.log, case, "info", f"{case.decision.action}: {case.decision.reason}", code=case.decision.code)
        for text, why in case.website.rejected:
            say(world.log, case, "warn", f"{text!r} can't be on a certificate: {why}", code="name_invalid", indent=1)


def _gathered(world: World, accounts: Mapping[str, FeatureList], websites: Sequence[Website]) -> list[SiteFacts]:
    if not websites:
        return []
    specs, options = world.ordering.provider.specs(), world.config.check
    known = facts.gather(websites, world.services, accounts, options, specs, world.clock(), world.log)
    return [_without_lost_set(world, site) for site in known]


def _without_lost_set(world: World, site: SiteFacts) -> SiteFacts:
    """A certificate whose files somebody removed or mixed up can't be installed again: it counts as none."""
    website, stored = site.website, site.stored
    if stored is None:
        return site
    damage = set_damage(live_set(world.place, website.main, stored.serial))
    if not damage:
        return site
    world.log.say("warn", damage, account=website.account, website=website.main, code="set_damaged")
    return replace(site, stored=None)


def plan_case(world: World, scope: Scope, case: Case) -> None:
    """What an order that is under way may hold is for its own provider to say."""
    specs = world.at(case.facts.ordered_at).ordering.provider.specs()
    case.plan = plan(case.decision, case.facts, case.verdicts, specs, world.clock(), policy_options(world, scope))
    case.names = case.plan.names
    case.not_after = case.facts.stored.not_after if case.facts.stored else None
