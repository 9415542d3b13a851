"""Steps 6 and 7 for all websites of a run; and what the current provider can't do now or refuses for good is decided,
planned and ordered anew at those behind it.

Each has its own account, limits, CAA records, cap and wildcards, so that everything is planned anew for it; no order
and no `replaces` is carried over. What is issued elsewhere is renewed by the current provider again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jobs import left_behind, queue, waiting
from jobs.install import Item
from jobs.issuing import order_all
from jobs.planning import decide_again, plan_each
from jobs.policy.decision import Action
from jobs.policy.failure import Failure
from jobs.policy.fallback import PENDING, forbidden, goes_on, joined
from jobs.policy.features import FeatureList
from jobs.record import say
from jobs.report import Case
from jobs.split import with_changed
from jobs.validate import preflight_names
from jobs.world import Provider, Scope, World


def order_everywhere(
    world: World, scope: Scope, accounts: Mapping[str, FeatureList], cases: Sequence[Case]
) -> tuple[list[Case], list[Item]]:
    """Order from the current provider, and what it does not do from those behind it. Returns the cases, with those that
    another provider's cap has added, and the items. An order that is under way goes on where it is."""
    items: list[Item] = []
    for name, some in _by_provider(world, cases).items():
        items += order_all(world.at(name), scope, some)
    found = list(cases)
    for one in world.providers:
        left = _left_for(world, scope, one, found)
        if left:
            again, more = _tried(world, scope, accounts, one, left)
            found = with_changed(found, again)
            items += more
    return found, items


def spread_waiting(world: World) -> None:
    """Give what waits for a limit of any of the providers its time, once all orders of this run are over."""
    for one in world.providers:
        if one.ordering is not None:
            waiting.spread(one.ordering.ledger, world.clock())


def _by_provider(world: World, cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Whom each website's order is for, the current provider first. One that is not in use any more has none: its order
    ends, and the current provider makes another."""
    found: dict[str, list[Case]] = {one.name: [] for one in world.providers if one.ordering is not None}
    for case in cases:
        at = case.facts.ordered_at
        found[at if at in found else world.ordering.provider_name].append(case)
    return {name: some for name, some in found.items() if some}


def _left_for(world: World, scope: Scope, one: Provider, cases: Sequence[Case]) -> list[Case]:
    """The websites that this provider is to try. While an order hangs, no oftener than other work that fails."""
    left: list[Case] = []
    rows: Mapping[str, Any] | None = None
    for case in cases:
        failure = _why_not(case)
        if failure is None:
            continue
        case.tried.setdefault(case.provider or world.ordering.provider_name, failure)
        rows = queue.active_orders() if rows is None else rows
        row = rows.get(case.website.main)
        since = row.requested_at if row is not None and row.order_url is not None else None
        if one.name in case.tried or not goes_on(failure, since, case.facts.stored, world.clock()):
            continue
        late = case.facts.waits.get("")
        if since is not None and late is not None and not scope.forced:  # all were tried in vain while it hangs
            case.dates[""] = late.until
        else:
            left.append(case)
    return left


def _why_not(case: Case) -> Failure | None:
    """What keeps a website from the certificate that it should have, as far as a provider was asked."""
    if case.plan is None or case.outcome == "stopped":
        return None
    if case.outcome == "pending":
        return Failure(PENDING, "the CA has not finished the order")
    return case.failure or forbidden(case.plan)


def _tried(
    world: World, scope: Scope, accounts: Mapping[str, FeatureList], one: Provider, left: Sequence[Case]
) -> tuple[list[Case], list[Item]]:
    """These websites at another provider. One that can't be used at all has that as its reason."""
    if one.trouble is not None:
        return [_still_without(world, case, one, one.trouble) for case in left], []
    for case in left:
        words = f"{case.provider or world.ordering.provider_name} does not issue it; {one.name} is tried"
        say(world.log, case, "warn", words, code="provider_fallback")
    other, hanging = world.at(one.name), left_behind.hanging(world.place, [case.website.main for case in left])
    fresh = decide_again(other, scope, accounts, [case.website for case in left])
    planned = plan_each(other, scope, accounts, fresh, preflight_names(other, scope, fresh))
    items = order_all(other, scope, planned)
    issued, merged = {item.website.main for item in items}, []
    found = {case.website.main: case for case in planned}
    for case in left:
        hangs = hanging.get(case.website.main)
        if hangs and case.website.main not in issued:
            _go_on(world, case, hangs)
        merged.append(_merged(world, case, found.pop(case.website.main), one, hangs is not None))
    return [*merged, *found.values()], items


def _go_on(world: World, case: Case, hangs: left_behind.LeftBehind) -> None:
    try:
        if left_behind.take_up_again(world.place, hangs, world.clock()):
            say(world.log, case, "info", f"the order that {hangs.row.provider} has goes on", indent=1)
    except Failure as failure:
        say(world.log, case, "error", failure.detail, code=failure.code, indent=1)


def _merged(world: World, former: Case, fresh: Case, one: Provider, hung: bool) -> Case:
    """The case as it stands after one more provider was tried. `hung`: a former one has an order."""
    failure = fresh.failure or (forbidden(fresh.plan) if fresh.plan else None)
    if failure is None and fresh.plan and fresh.plan.action is not Action.ORDER:
        failure = Failure(fresh.plan.code, fresh.plan.reason)
    if failure is None:
        fresh.tried = former.tried
        if hung and fresh.outcome == "pending":  # now both hang: neither is ordered anew at each look
            fresh.failure = Failure(PENDING, "the CA has not finished the order either")
        return fresh
    return _still_without(world, former, one, failure)


def _still_without(world: World, case: Case, one: Provider, failure: Failure) -> Case:
    """Its reasons are one more; what was decided, and an order that is under way, stays as it is."""
    case.tried[one.name] = failure
    whole = joined(case.tried)
    say(world.log, case, "error", whole.detail, code=whole.code, indent=1)
    if case.outcome == "pending":
        case.failure = whole
    elif case.failure is not None:
        case.failure, case.outcome = whole, "failed"
        case.dates.pop("", None)
    elif case.plan is not None:
        case.plan = replace(case.plan, reason=whole.detail)
    return case
