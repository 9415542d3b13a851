"""Before step 6: which orders a provider's limits allow now, and what becomes of the others until their turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from jobs import ledger, renewals, waiting
from jobs.policy.due import claims_from, is_due
from jobs.policy.failure import Failure, LeftOff
from jobs.policy.limits import NEAR, Counted, Later
from jobs.policy.names import covers
from jobs.policy.plan import Plan
from jobs.record import say
from jobs.report import Case
from jobs.world import World

OF_NEW_NAMES = (Counted.DOMAIN, Counted.ORDERS)
"""Limits that a renewal with the same names does not meet."""


def admitted(world: World, work: Sequence[Case]) -> list[Case]:
    """Those that may be ordered now, in one transaction for all, so that the most urgent ones get what is left. An
    order that the CA has already needs nothing. A renewal waits for no room for new names: it goes on without these."""
    fresh = {case.website.main: case for case in work if not case.facts.ordered}
    refused = _refused(world, fresh, {main: case.plan for main, case in fresh.items() if case.plan})
    former = {
        main: plan for main, later in refused.items() if (plan := _as_it_is(fresh[main], later, world.clock()))
    }
    still = _refused(world, fresh, former)
    for main, plan in former.items():
        if main not in still:
            _renew_as_it_is(world, fresh[main], plan, refused.pop(main))
    for main, later in refused.items():
        limited(world, fresh[main], ledger.near(later))
    world.progress.finish_some(len(refused))
    return [case for case in work if case.website.main not in refused]


def limited(world: World, case: Case, failure: Failure) -> None:
    """The website's order would break a limit of the CA, and waits. Not longer than until its certificate is one of
    those that come first."""
    ends = _claims_all_from(case)
    at = failure.retry_at or world.clock()
    case.failure, case.outcome, case.provider = failure, "waiting", world.ordering.provider_name
    case.dates[""] = min(at, ends) if ends and ends > world.clock() else at
    say(world.log, case, "info", failure.detail, code=failure.code, indent=1)


def hold(world: World, cases: Sequence[Case]) -> None:
    """Put what waits into the queue."""
    sites = [
        waiting.Waiting(
            case.website.account, case.website.main, case.plan.names, _urgency(case, case.plan, world.clock()),
            case.dates[""], case.failure.detail, _claims_all_from(case),
        )
        for case in cases if case.outcome == "waiting" and case.plan and case.failure
    ]
    waiting.park(world.ordering.ledger, sites, world.clock())


def _refused(world: World, cases: Mapping[str, Case], plans: Mapping[str, Plan]) -> dict[str, Later]:
    """Which of these plans have to wait, after the others have taken what they need."""
    ordering, now = world.ordering, world.clock()
    names = {main: plan.names for main, plan in plans.items()}
    replaced = renewals.replaced(names, ordering.provider_name, ordering.account_url, now) if names else {}
    asks = [
        ledger.asked(main, plan.names, _urgency(cases[main], plan, now), main in replaced)
        for main, plan in plans.items()
    ]
    others = waiting.others(ordering.provider_name, cases.keys(), now) if asks else []
    found = ordering.ledger.admit(asks, others, now)
    return {main: later for main, later in found.items() if later is not None}


def _urgency(case: Case, plan: Plan, now: datetime) -> float:
    """New certificates come before renewals, but for those whose time is half over: nobody else loses anything."""
    stored = case.facts.stored
    if stored is None or not claims_from(stored) <= now < stored.not_after:
        return plan.urgency
    return stored.not_after.timestamp() / 1e11 - 1


def _claims_all_from(case: Case) -> datetime | None:
    return claims_from(case.facts.stored) if case.facts.stored else None


def _as_it_is(case: Case, later: Later, now: datetime) -> Plan | None:
    """The plan with the names that the present certificate has, if it is due and may have them again."""
    stored, plan = case.facts.stored, case.plan
    if stored is None or plan is None or later.limit.counted not in OF_NEW_NAMES or not is_due(stored, now):
        return None
    verdicts = [case.verdicts.get(name) for name in stored.names]
    if set(stored.names) == set(plan.names) or not all(verdict and verdict.passed for verdict in verdicts):
        return None
    new = [LeftOff(name, NEAR, later.words) for name in plan.names if not covers(stored.names, name)]
    return replace(plan, names=stored.names, left_off=(*plan.left_off, *new))


def _renew_as_it_is(world: World, case: Case, plan: Plan, later: Later) -> None:
    say(world.log, case, "info", f"{later.words}; renewed with the names that it has", code=NEAR, indent=1)
    case.plan, case.names = plan, plan.names
    case.dates |= {left.name: later.at for left in plan.left_off if left.code == NEAR}
