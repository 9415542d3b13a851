"""One check, as a straight line of nine steps. What decides lies in `jobs/policy`, what does in the step's own
module. A website that fails ends there; the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import models
from jobs import facts, records
from jobs.install import Item, Outcome, install
from jobs.obtain import Obtaining, obtain
from jobs.order import give_up
from jobs.policy.decision import Action, SiteFacts, decide, services_behind, touchable
from jobs.policy.failure import Failure
from jobs.policy.features import FeatureList
from jobs.policy.keys import KeyType
from jobs.policy.names import covers
from jobs.policy.plan import plan
from jobs.policy.site import Website
from jobs.policy.verdict import Verdict
from jobs.ports import Pending, ServiceTarget
from jobs.record import record, say, say_bug, say_plan
from jobs.report import Case
from jobs.split import end_parts, split_over_cap, with_changed, with_tidy_parts
from jobs.store import grant_key, live_set, set_damage
from jobs.validate import preflight_names, verdicts_of
from jobs.world import Scope, World, policy_options

REFUSAL_ROUNDS = 5
"""How often a website is ordered anew in one run without the names that the CA refused."""


def check(world: World, scope: Scope) -> list[Case]:
    """Run the steps; returns a case for every website. Raises Failure only for what concerns the whole run."""
    world.discover()
    accounts = facts.allowed(scope.accounts, world.log)
    cases = decide_each(world, scope, accounts)
    verdicts = preflight_names(world, scope, cases)
    cases = plan_each(world, scope, accounts, cases, verdicts)
    if scope.plan_only:
        return cases
    _give_up_unwanted(world, cases)
    world.progress.expect(len(cases), len(cases) - len(_to_order(cases)))
    items = order_and_store(world, cases)
    for _ in range(REFUSAL_ROUNDS):
        items += order_and_store(world, without_refused(world, scope, cases))
    outcomes = install_items(world, scope, cases, items)
    record(world.place, world.log, world.clock(), cases, outcomes, world.config.check.service_names)
    return cases


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
        _plan(world, scope, case)
    changed = _decided(world, scope, accounts, _gathered(world, accounts, split_over_cap(world, scope, cases)))
    verdicts = preflight_names(world, scope, changed, verdicts)
    for case in changed:
        case.verdicts = verdicts_of(world, scope, case, verdicts)
        _plan(world, scope, case)
    planned = with_changed(cases, changed)
    _say_decisions(world, planned[len(cases) :])
    for case in planned:
        say_plan(world.log, case)
    return planned


def order_and_store(world: World, cases: Sequence[Case]) -> list[Item]:
    """Steps 6 and 7, the most urgent first, several websites at a time."""
    work = _to_order(cases)
    if not work:
        return []
    specs = world.ordering.provider.specs()
    shared = Obtaining(world.ordering, world.place, world.key_group, specs.test, world.clock)
    outage: list[Failure] = []
    with ThreadPoolExecutor(min(world.config.check.concurrency, len(work))) as pool:
        items = list(pool.map(lambda case: _obtained(world, shared, case, outage), work))
    return [item for item in items if item is not None]


def without_refused(world: World, scope: Scope, cases: Sequence[Case]) -> list[Case]:
    """Websites of which the CA refused some names only, planned anew without these: one name that only the CA can't
    validate does not sink the rest. A refused name waits for its own next try."""
    again = []
    for case in cases:
        refused = case.failure.names if case.failure else {}
        if case.plan is None or not refused or not _left_of(case, refused):
            continue
        code = case.failure.code if case.failure else ""
        if case.failure and case.failure.permanent:
            case.lasting.add(code)
        failed = {name: Verdict(name, False, None, code, text) for name, text in refused.items()}
        case.verdicts = {name: failed.get(name, verdict) for name, verdict in case.verdicts.items()}
        case.failure, case.outcome = None, ""
        _plan(world, scope, case)
        say_plan(world.log, case)
        again.append(case)
    return again


def install_items(world: World, scope: Scope, cases: Sequence[Case], new: Sequence[Item]) -> list[Outcome]:
    """Step 8: new sets on every service that may be touched, and stored ones where a service lags behind."""
    options, now = policy_options(world, scope), world.clock()
    fresh = {item.website.main: item for item in new}
    wanted: dict[str, list[Item]] = {}
    for case in cases:
        item = fresh.get(case.website.main) or _stored_item(world, case)
        if item is None or case.decision.action is Action.LEAVE:
            continue
        if case.website.main in fresh:
            names = tuple(name for name in case.facts.presented if touchable(case.facts, name, now, options))
        else:
            names = services_behind(case.facts, now, options)
        for name in names:
            wanted.setdefault(name, []).append(item)
    outcomes: list[Outcome] = []
    for service in world.services:
        if service.name in wanted:
            outcomes += _installed(world, service, wanted[service.name])
    return outcomes


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


def _give_up_unwanted(world: World, cases: Sequence[Case]) -> None:
    """Orders that were begun for what the plan does not want any more (its new name was excluded, say)."""
    for case in cases:
        waits = case.decision.action is Action.KEEP  # for the time at which the order is asked for
        if case.facts.ordered and case.plan and case.plan.action is not Action.ORDER and not waits:
            give_up(world.ordering, case.website.main, f"{case.plan.action}: {case.plan.reason}")


def _left_of(case: Case, refused: Mapping[str, str]) -> list[str]:
    """The names that the order was to cover, a refused wildcard's own ones among them, and that may pass yet."""
    names = case.plan.names if case.plan else ()
    return [
        name for name, verdict in case.verdicts.items()
        if verdict.passed and name not in refused and covers(names, name)
    ]


def _plan(world: World, scope: Scope, case: Case) -> None:
    specs = world.ordering.provider.specs()
    case.plan = plan(case.decision, case.facts, case.verdicts, specs, world.clock(), policy_options(world, scope))
    case.names = case.plan.names
    case.not_after = case.facts.stored.not_after if case.facts.stored else None


def _obtained(world: World, shared: Obtaining, case: Case, outage: list[Failure]) -> Item | None:
    """One website in a worker thread, with a database connection of its own. `outage`: a CA that could not be reached
    is not asked again for each further website; a run must not hang on it."""
    assert case.plan is not None
    with models.database.connection_context():
        if not world.progress.begin(case.website.account):
            case.outcome = "stopped"
            return None
        try:
            if outage:
                raise Failure(outage[0].code, f"not tried, after {outage[0].detail}", outage[0].retry_at)
            key_type = case.features.key_type or KeyType(world.config.check.key_type)
            answer = obtain(shared, case.website, case.plan, key_type, case.verdicts)
        except Failure as failure:
            case.failure, case.outcome = failure, "failed"
            if failure.code == "ca_unreachable":
                outage.append(failure)
            say(world.log, case, "error", failure.detail, code=failure.code, indent=1)
            return None
        except Exception as error:  # noqa: BLE001 a bug ends this website, not the run
            case.failure, case.outcome = say_bug(world.log, case.website, "ordering", error), "failed"
            return None
        finally:
            world.progress.finish_one()
    if isinstance(answer, Pending):
        case.outcome = "pending"
        say(world.log, case, "warn", f"the CA has not finished: {answer.answer}", code="order_pending", indent=1)
        return None
    case.names, case.not_after = answer.certificate.names, answer.certificate.not_after
    say(world.log, case, "success", f"issued for {', '.join(case.names)}", code="issued", indent=1)
    return answer


def _installed(world: World, service: ServiceTarget, items: Sequence[Item]) -> list[Outcome]:
    """What a process that dies in between leaves is installed again: what it wrote need not have been loaded."""
    records.note_begun([item.website.main for item in items], service.name, world.clock())
    try:
        return install(service, items, world.place, world.keeper)
    except Failure as failure:  # what had to be put back could not be
        trouble = failure
    except Exception as error:  # noqa: BLE001 a bug ends this service, not the run
        trouble = say_bug(world.log, None, f"installing on {service.name}", error)
    return [Outcome(service.name, item.website.main, "failed", trouble.code, trouble.detail) for item in items]


def _stored_item(world: World, case: Case) -> Item | None:
    """The set on disk, for services that lag behind; a website without one has nothing to install."""
    stored = case.facts.stored
    if stored is None:
        return None
    directory = live_set(world.place, case.website.main, stored.serial)
    try:
        if world.key_group is not None:
            grant_key(directory, world.key_group)
    except Failure as failure:
        say(world.log, case, "error", failure.detail, code=failure.code, indent=1)
        return None
    return Item(case.website, stored, directory)


def _to_order(cases: Sequence[Case]) -> list[Case]:
    """The websites whose plan is an order and that were not tried yet, the most urgent first."""
    work = [case for case in cases if case.plan and case.plan.action is Action.ORDER and not case.outcome]
    return sorted(work, key=lambda case: case.plan.urgency if case.plan else 0.0)
