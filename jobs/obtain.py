"""Steps 6 and 7 for one website: order, prove, store. What fails here ends this website only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import models
from jobs import ledger, order, records, renewals
from jobs.crash_points import edges
from jobs.durable import durable
from jobs.install import Item
from jobs.policy.certificate import Certificate
from jobs.policy.due import due_at, lifetime
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.plan import Plan
from jobs.policy.proof import prove
from jobs.policy.site import Website
from jobs.policy.verdict import Verdict
from jobs.ports import Pending, Place, Waits
from jobs.store import retire_sets, store

KEPT_SETS = 3
"""The live set and the two before it stay on disk."""

SAME_NAMES_AGAIN = timedelta(hours=1)
"""A CA that has issued is not asked for the same names again sooner, though its certificate was of no use; but after a
tenth of the lifetime of what it is to renew, which would be lost else."""


@dataclass(frozen=True)
class Obtaining:
    """What every website of a run shares."""

    ordering: order.Ordering
    place: Place
    key_group: int | None
    allow_test: bool
    clock: Callable[[], datetime]


def obtain(
    shared: Obtaining,
    website: Website,
    plan: Plan,
    key_type: KeyType,
    verdicts: Mapping[str, Verdict],
    former: Certificate | None = None,
) -> Waits[Item | Pending]:
    """A stored set for the plan's names, validated as their `verdicts` say, or what the CA said about waiting.
    `former`: the certificate that it is to renew. Raises Failure; nothing is then stored.

    The order's row is closed only when the set is on disk, so that a crash in between downloads it again; and in one
    with the certificate's own row, or a crash between the two would leave an order that nobody goes on with.
    """
    ways = _ways(plan.names, verdicts)
    ordered = order.order(shared.ordering, website.account, website.main, plan.names, key_type, ways, former)
    row, answer = yield from ordered
    if isinstance(answer, Pending):
        return answer
    now = shared.clock()
    try:
        certificate = prove(answer, plan.names, now, allow_test=shared.allow_test)
        with edges("stage bundle"):
            directory = store(shared.place, website.main, answer, certificate, shared.key_group)
    except Failure as failure:
        if failure.code == "store_failed":  # a full disk is no fault of the order: it stays and is downloaded again
            raise
        ledger.spent(website.main)
        order.close(shared.ordering, row, "failed", failure.detail)
        again = now + (min(SAME_NAMES_AGAIN, lifetime(former) / 10) if former else SAME_NAMES_AGAIN)
        raise Failure(failure.code, failure.detail, again, failure.permanent) from failure
    with edges("close row"), durable(), models.database.atomic():
        records.keep_certificate(website.main, certificate, shared.ordering.provider_name, due_at(certificate), now)
        renewals.follow(answer.chain, shared.ordering.provider_name, shared.ordering.account_url, now)
        order.finish(shared.ordering, row, "done", f"serial {certificate.serial}")
        ledger.spent(website.main)
    with edges("drop key"):
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
