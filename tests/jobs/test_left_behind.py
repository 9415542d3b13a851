"""An order that hangs at its CA while others are tried, because the certificate is about to end: it is not lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs import left_behind, queue, records
from jobs.ledger import asked
from jobs.policy.failure import Failure
from jobs.policy.limits import NEAR
from jobs.policy.specs import Specs
from tests.jobs.check_host import host
from tests.jobs.test_fallback import DOWN, SET, Cas, cas

__all__ = ["cas", "host"]

LATER = Failure(NEAR, "its limit is near")
NOT_VALID = Failure("validation_failed", "a.test: 404")


@pytest.fixture
def hanging(cas: Cas) -> Cas:
    """The renewal was ordered in time, and hangs; three days are left. Behind the CA there is one more."""
    cas.order = ["b"]
    cas.check()
    cas.host.pass_by(days=86, hours=23)
    cas.ca.answer = "pending"
    cas.check()
    cas.host.pass_by(hours=2)
    return cas


def looks(cas: Cas, **more: float) -> Iterator[str]:
    """The outcome of each check that comes due by itself."""
    ends = cas.host.at + timedelta(**more)
    while cas.host.at < ends:
        if records.accounts_due(cas.host.at):
            yield cas.check().outcome
        cas.host.pass_by(minutes=5)


@pytest.mark.parametrize("trouble", [DOWN, LATER, NOT_VALID])
def test_an_order_that_hangs_is_not_thrown_away_for_a_provider_that_issues_nothing(
    hanging: Cas, trouble: Failure
) -> None:
    hanging.b.refuses_orders = trouble
    assert set(looks(hanging, hours=3)) <= {"pending", "kept"}
    assert hanging.orders == (2, 0, 0), "one that was issued, and the one that hangs"
    hanging.ca.answer = None
    assert next(looks(hanging, minutes=20)) == "installed"
    assert (hanging.issuer(), hanging.orders, hanging.host.keys()) == ("ca", (2, 0, 0), [])
    assert hanging.host.trouble() is None


def test_a_provider_that_issues_nothing_is_not_asked_at_every_look_at_an_order_that_hangs(hanging: Cas) -> None:
    hanging.b.answer = NOT_VALID
    assert len([*looks(hanging, hours=3)]) > 20
    assert hanging.orders == (2, 4, 0), "at once, and after 1, 10 and 100 minutes"
    trouble = hanging.host.trouble()
    assert trouble is not None and trouble.text == "ca: the CA has not finished the order; b: a.test: 404"
    hanging.b.answer = None
    assert [*looks(hanging, hours=8)][-1] == "installed" and hanging.issuer() == "b"


def test_the_next_provider_is_tried_again_while_the_one_that_has_the_order_is_down(hanging: Cas) -> None:
    hanging.ca.answer = hanging.b.refuses_orders = DOWN
    assert set(looks(hanging, hours=2)) <= {"failed", "kept"}
    hanging.b.refuses_orders = None
    assert [*looks(hanging, hours=8)][-1] == "installed" and hanging.issuer() == "b"


def test_two_providers_that_both_hang_are_not_ordered_from_anew_at_every_look(hanging: Cas) -> None:
    hanging.b.answer = "pending"
    assert set(looks(hanging, hours=3)) <= {"pending", "kept"}
    assert sum(hanging.orders) <= 6


def test_a_limit_of_the_next_provider_does_not_take_the_place_of_an_order_that_hangs(hanging: Cas) -> None:
    specs = Specs("Test CA", "https://b.test/directory", limits=(SET,))
    hanging.b.specs = lambda: specs  # type: ignore[method-assign]
    world = hanging.host.world([hanging.host.service])
    other = hanging._provider("b", world.ordering).ordering
    assert other is not None
    book = other.ledger.book(hanging.host.at)
    names = json.loads(hanging.host.rows()[-1].payload)["names"]
    book.take(asked("a.test", names).own, hanging.host.at)
    other.ledger._keep(book)
    assert hanging.check().outcome == "pending"
    (row,) = [row for row in hanging.host.rows() if row.finished_at is None]
    assert (row.provider, row.order_url) == ("ca", "https://ca.test/order/2")


def test_an_order_that_a_person_cancels_meanwhile_stays_so(hanging: Cas) -> None:
    place = hanging.host.instance.place
    left = left_behind.hanging(place, ["a.test"])["a.test"]
    queue.finish(hanging.host.rows()[-1], "cancelled", "cancelled by a person", hanging.host.at)
    assert not left_behind.take_up_again(place, left, hanging.host.at)
    assert hanging.host.keys() == []
