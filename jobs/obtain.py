"""Steps 6 and 7 for one website: order, prove, store. What fails here ends this website only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import models
from jobs import order, records
from jobs.durable import durable
from jobs.install import Item
from jobs.policy.due import due_at
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.plan import Plan
from jobs.policy.proof import prove
from jobs.policy.site import Website
from jobs.policy.verdict import Verdict
from jobs.ports import Pending, Place
from jobs.store import retire_sets, store

KEPT_SETS = 2
"""The live set and the one before it stay on disk."""

SAME_NAMES_AGAIN = timedelta(hours=1)
"""A CA that has issued is not asked for the same names again sooner, though its certificate was of no use."""


@dataclass(frozen=True)
class Obtaining:
    """What every website of a run shares."""

    ordering: order.Ordering
    place: Place
    key_group: int | None
    allow_test: bool
    clock: Callable[[], datetime]


def obtain(
    shared: Obtaining, website: Website, plan: Plan, key_type: KeyType, verdicts: Mapping[str, Verdict]
) -> Item | Pending:
    """A stored set for the plan's names, validated as their `verdicts` say, or what the CA said about waiting.
    Raises Failure; nothing is then stored.

    The order's row is closed only when the set is on disk, so that a crash in between downloads it again; and in one
    with the certificate's own row, or a crash between the two would leave an order that nobody goes on with.
    """
    ways = _ways(plan.names, verdicts)
    row, answer = order.order(shared.ordering, website.account, website.main, plan.names, key_type, ways)
    if isinstance(answer, Pending):
        return answer
    now = shared.clock()
    try:
        certificate = prove(answer, plan.names, now, allow_test=shared.allow_test)
        directory = store(shared.place, website.main, answer, certificate, shared.key_group)
    except Failure as failure:
        if failure.code == "store_failed":  # a full disk is no fault of the order: it stays and is downloaded again
            raise
        order.close(shared.ordering, row, "failed", failure.detail)
        raise Failure(failure.code, failure.detail, now + SAME_NAMES_AGAIN, failure.permanent) from failure
    with durable(), models.database.atomic():
        records.keep_certificate(website.main, certificate, shared.ordering.provider_name, due_at(certificate), now)
        order.finish(shared.ordering, row, "done", f"serial {certificate.serial}")
    order.drop_key(shared.ordering, row)
    return Item(website, certificate, directory)


def _ways(names: Sequence[str], verdicts: Mapping[str, Verdict]) -> order.Ways:
    """The authorization of a name that is validated through an ancestor is for that one, by its own method."""
    seen = {name: verdicts[name] for name in names if name in verdicts}
    ancestors = {name: verdict.ancestor for name, verdict in seen.items() if verdict.ancestor}
    methods = {ancestors.get(name, name): verdict.method or "" for name, verdict in seen.items()}
    return order.Ways({name: method for name, method in methods.items() if method == "dns-01"}, ancestors)


def forget_old_sets(place: Place, website: str) -> None:
    """Remove sets that nothing presents any more, keeping the newest ones."""
    retire_sets(place, website, records.former_serials(website, KEPT_SETS))
