"""One check, as a straight line of nine steps. What decides lies in `jobs/policy`, what does in the step's own
module. A website that fails ends there; the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence

from jobs import facts, records
from jobs.crash_points import edges
from jobs.fallback import order_everywhere, spread_waiting
from jobs.install import Item, Outcome, install
from jobs.issuing import to_order
from jobs.order import give_up
from jobs.planning import decide_each, plan_each
from jobs.policy.decision import Action, services_behind, touchable
from jobs.policy.failure import Failure
from jobs.policy.limits import NEAR
from jobs.ports import ServiceTarget
from jobs.record import record, say, say_bug
from jobs.report import Case
from jobs.store import grant_key, live_set
from jobs.validate import preflight_names
from jobs.world import Scope, World, policy_options


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
    world.progress.expect(len(cases), len(cases) - len(to_order(cases)))
    cases, items = order_everywhere(world, scope, accounts, cases)
    outcomes = install_items(world, scope, cases, items)
    for service in world.services:
        service.forget()  # nobody asks for it any more in this run, and of many websites it is large
    record(world.place, world.log, world.clock(), cases, outcomes, world.config.check.service_names)
    spread_waiting(world)
    return cases


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
            on_it = item.certificate.names
            names = tuple(name for name in case.facts.presented if touchable(case.facts, name, now, options, on_it))
        else:
            names = services_behind(case.facts, now, options)
        for name in names:
            wanted.setdefault(name, []).append(item)
    outcomes: list[Outcome] = []
    for service in world.services:
        if service.name in wanted:
            outcomes += _installed(world, service, wanted[service.name])
    return outcomes


def _give_up_unwanted(world: World, cases: Sequence[Case]) -> None:
    """Orders that were begun for what the plan does not want any more (its new name was excluded, say)."""
    for case in cases:
        if case.plan is None or not (case.facts.ordered or case.facts.parked):
            continue
        waits = case.decision.action is Action.KEEP and case.decision.code in ("order_pending", NEAR)
        if case.plan.action is not Action.ORDER and not waits:
            give_up(world.ordering, case.website.main, f"{case.plan.action}: {case.plan.reason}")


def _installed(world: World, service: ServiceTarget, items: Sequence[Item]) -> list[Outcome]:
    """What a process that dies in between leaves is installed again: what it wrote need not have been loaded."""
    with edges("note installation"):
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


