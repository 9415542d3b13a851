"""Steps 6 and 7 for all websites of a run: several at a time, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import models
from jobs import ledger, order, provider_pause
from jobs.admission import admitted, hold, limited
from jobs.courses import finish_all
from jobs.install import Item
from jobs.obtain import Obtaining, obtain
from jobs.order import Ordering
from jobs.planning import plan_case
from jobs.policy.decision import Action
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.limits import NEAR
from jobs.policy.names import covers
from jobs.policy.verdict import Verdict
from jobs.ports import Pending, Waits
from jobs.record import say, say_bug, say_plan
from jobs.report import Case
from jobs.world import Scope, World

UNDER_WAY = 128
"""Orders at once of which most wait for the CA: each has a row and a key, and is gone on with after a crash."""

REFUSAL_ROUNDS = 5
"""How often a website is ordered anew in one run without the names that the CA refused."""


def order_all(world: World, scope: Scope, cases: Sequence[Case]) -> list[Item]:
    """Steps 6 and 7 at one provider, as often as it takes. What its limits don't allow waits in the queue."""
    items = order_and_store(world, cases)
    for _ in range(REFUSAL_ROUNDS):
        items += order_and_store(world, without_refused(world, scope, cases))
    hold(world, cases)
    return items


def order_and_store(world: World, cases: Sequence[Case]) -> list[Item]:
    """Once for each website, the most urgent first, several at a time."""
    work = to_order(cases)
    if not work:
        return []
    ledger.sweep(world.clock())  # nobody else orders now: what was taken for no order that goes on is free
    work = admitted(world, work)
    try:
        return _obtain_all(world, work) if work else []
    finally:
        world.progress.keep()
        ledger.sweep(world.clock())


def _obtain_all(world: World, work: Sequence[Case]) -> list[Item]:
    specs = world.ordering.provider.specs()
    shared = Obtaining(world.ordering, world.place, world.key_group, specs.test, world.clock)
    items = finish_all(
        [partial(_obtained, world, shared, case) for case in work],
        world.config.check.concurrency,
        UNDER_WAY,
        models.database.connection_context,
        partial(_until_next, world.ordering),
    )
    return [item for item in items if item is not None]


def _until_next(ordering: Ordering) -> float:
    """Seconds until the CA may be asked for one more order, so that none is begun only to wait for its turn."""
    return 0.0 if ordering.wait_until else ordering.ledger.until_next(ordering.clock())


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
        if case.failure and case.failure.retry_at and code == NEAR:
            case.dates |= dict.fromkeys(refused, case.failure.retry_at)
            case.dates.pop("", None)
        failed = {name: Verdict(name, False, None, code, text) for name, text in refused.items()}
        case.verdicts = {name: failed.get(name, verdict) for name, verdict in case.verdicts.items()}
        case.failure, case.outcome = None, ""
        plan_case(world, scope, case)
        say_plan(world.log, case)
        again.append(case)
    return again


def _left_of(case: Case, refused: Mapping[str, str]) -> list[str]:
    """The names that the order was to cover, a refused wildcard's own ones among them, and that may pass yet."""
    names = case.plan.names if case.plan else ()
    return [
        name for name, verdict in case.verdicts.items()
        if verdict.passed and name not in refused and covers(names, name)
    ]


def _obtained(world: World, shared: Obtaining, case: Case) -> Waits[Item | None]:
    """One website. A CA that is down is not asked again for each further one, nor for each of those that are under
    way; a run must not hang on it."""
    assert case.plan is not None
    if not world.progress.begin(case.website.account):
        case.outcome = "stopped"
        return None
    provider, asked_at = shared.ordering.provider_name, world.clock()
    case.provider = provider
    try:
        provider_pause.require(provider, asked_at, shared.ordering.by_person)
        key_type = case.features.key_type or KeyType(world.config.check.key_type)
        course = obtain(shared, case.website, case.plan, key_type, case.verdicts, case.facts.stored)
        answer = yield from provider_pause.unless_down(course, shared.ordering.in_a_row, world.clock)
        provider_pause.answered(provider, asked_at, world.clock(), shared.ordering.in_a_row)
    except Failure as found:
        _failed(world, shared, case, found, asked_at)
        return None
    except Exception as error:  # noqa: BLE001 a bug ends this website, not the run
        bug = say_bug(world.log, case.website, "ordering", error)
        case.failure, case.outcome = bug, "failed"
        order.leave(shared.ordering, case.website.main, case.facts.stored, bug.detail)
        return None
    finally:
        world.progress.finish_some(1)
    if isinstance(answer, Pending):
        case.outcome = "pending"
        say(world.log, case, "warn", f"the CA has not finished: {answer.answer}", code="order_pending", indent=1)
        return None
    case.names, case.not_after = answer.certificate.names, answer.certificate.not_after
    say(world.log, case, "success", f"issued by {case.provider} for {', '.join(case.names)}", code="issued", indent=1)
    return answer


def _failed(world: World, shared: Obtaining, case: Case, found: Failure, asked_at: datetime) -> None:
    if found.code == NEAR:
        limited(world, case, found)
        return
    ordering, stored, moment = shared.ordering, case.facts.stored, world.clock()
    failure = provider_pause.failed(ordering.provider_name, found, stored, asked_at, moment, ordering.in_a_row)
    case.failure, case.outcome = failure, "failed"
    say(world.log, case, "error", failure.detail, code=failure.code, indent=1)


def to_order(cases: Sequence[Case]) -> list[Case]:
    """The websites whose plan is an order and that were not tried yet, the most urgent first."""
    work = [case for case in cases if case.plan and case.plan.action is Action.ORDER and not case.outcome]
    return sorted(work, key=lambda case: case.plan.urgency if case.plan else 0.0)
