"""What the current provider can't do or refuses for good comes from the next of the list, each by its own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import jobs.validate
import models
from jobs import waiting
from jobs.check import check as run_steps
from jobs.order import Ordering
from jobs.policy.failure import Failure
from jobs.policy.limits import Counted, Limit
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.report import Case
from jobs.world import Provider, Scope
from tests.fakes import NOW
from tests.jobs.check_host import CA, Host, host

__all__ = ["host"]

DOWN = Failure("ca_unreachable", "asking for the directory: ca.test: it did not answer in time")
REFUSED = Failure("ca_rejected_name", "ordering: forbidden by policy", permanent=True)
SET = Limit(Counted.SAME_SET, 5, timedelta(days=7), 1, timedelta(days=2))


class Cas:
    """A host with a current provider `ca`, and `b` and `c` behind it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.ca, self.b, self.c = host.ca, CA(), CA()
        self.troubles: dict[str, Failure] = {}
        self.order = ["b", "c"]

    def check(self, forced: bool = False) -> Case:
        world = self.host.world([self.host.service])
        behind = tuple(self._provider(name, world.ordering) for name in self.order)
        (case,) = run_steps(replace(world, fallbacks=behind), Scope(forced=forced))
        return case

    def _provider(self, name: str, ordering: Ordering) -> Provider:
        if name in self.troubles:
            return Provider(name, None, trouble=self.troubles[name])
        plugin: Any = getattr(self, name)
        return Provider(name, replace(ordering, provider_name=name, provider=plugin, account_url=f"https://{name}/acct"))

    @property
    def orders(self) -> tuple[int, int, int]:
        return len(self.ca.orders), len(self.b.orders), len(self.c.orders)

    def issuer(self) -> str:
        live = models.Certificate.retired_at.is_null()
        return str(models.Certificate.get(live & (models.Certificate.website == "a.test")).provider)


@pytest.fixture
def cas(host: Host) -> Cas:
    return Cas(host)


@pytest.mark.parametrize("failure", [DOWN, REFUSED, Failure("ca_unavailable", "503"), Failure("account_gone", "who?")])
def test_the_next_issues_within_the_same_check(cas: Cas, failure: Failure) -> None:
    cas.ca.refuses_orders = failure
    case = cas.check()
    assert (case.outcome, case.provider, cas.issuer(), cas.orders) == ("installed", "b", "b", (0, 1, 0))
    assert case.as_json()["provider"] == "b" and case.as_json()["problem"] is None
    assert cas.host.trouble() is None
    log = (cas.host.instance.place.logs / cas.host.log.start / "log.txt").read_text()
    assert "ca does not issue it; b is tried" in log and "issued by b for a.test" in log


def test_a_fallback_is_never_asked_while_the_current_provider_issues(cas: Cas) -> None:
    cas.b.refuses_orders = cas.c.refuses_orders = DOWN
    assert (cas.check().provider, cas.issuer(), cas.orders) == ("ca", "ca", (1, 0, 0))


def test_the_third_issues_when_two_are_down(cas: Cas) -> None:
    cas.ca.refuses_orders = cas.b.refuses_orders = DOWN
    assert (cas.check().provider, cas.issuer(), cas.orders) == ("c", "c", (0, 0, 1))


def test_all_that_are_down_are_named_each_with_its_own_reason(cas: Cas) -> None:
    cas.ca.refuses_orders, cas.b.refuses_orders = DOWN, REFUSED
    cas.troubles["c"] = Failure("account_key_missing", "its key is gone", permanent=True)
    case = cas.check()
    assert case.outcome == "failed"
    said = f"ca: {DOWN.detail}; b: {REFUSED.detail}; c: its key is gone"
    trouble = cas.host.trouble()
    assert trouble is not None and (trouble.code, trouble.text) == ("ca_unreachable", said)
    assert trouble.retry_at == NOW + timedelta(minutes=1), "one of them may be back in a minute"
    assert case.as_json()["problem"] == {"code": "ca_unreachable", "text": said}


def test_the_next_renewal_is_the_current_providers_again(cas: Cas) -> None:
    cas.ca.refuses_orders = DOWN
    cas.check()
    cas.ca.refuses_orders = None
    cas.host.pass_by(days=61)
    assert (cas.check().provider, cas.issuer(), cas.orders) == ("ca", "ca", (1, 1, 0))


def test_what_a_name_does_not_do_is_no_reason_to_try_another(cas: Cas) -> None:
    cas.ca.answer = Failure("validation_failed", "a.test: 404")
    assert (cas.check().outcome, cas.orders) == ("failed", (1, 0, 0))


def test_an_order_is_not_abandoned_because_its_ca_is_slow_or_down(cas: Cas) -> None:
    cas.ca.answer = "pending"
    assert (cas.check().outcome, cas.orders) == ("pending", (1, 0, 0))
    cas.ca.answer = DOWN
    cas.host.pass_by(minutes=5)
    assert (cas.check().outcome, cas.orders) == ("failed", (1, 0, 0))
    cas.ca.answer = None
    cas.host.pass_by(minutes=5)
    assert (cas.check().provider, cas.orders) == ("ca", (1, 0, 0))


def test_an_order_that_is_refused_is_dead_and_the_next_is_tried(cas: Cas) -> None:
    cas.ca.answer = "pending"
    cas.check()
    cas.ca.answer = Failure("ca_refused", "finalizing the order: no")
    cas.host.pass_by(minutes=5)
    assert (cas.check().provider, cas.orders) == ("b", (1, 1, 0))
    assert [(row.provider, row.state) for row in cas.host.rows()] == [("ca", "failed"), ("b", "done")]


def test_an_order_that_hangs_is_left_behind_when_the_certificate_is_about_to_end(cas: Cas) -> None:
    cas.check()
    cas.host.pass_by(days=86, hours=23)
    cas.ca.answer = "pending"
    assert (cas.check().outcome, cas.orders) == ("pending", (2, 0, 0))
    cas.host.pass_by(hours=2)
    assert (cas.check().provider, cas.issuer(), cas.orders) == ("b", "b", (2, 1, 0))


def test_an_order_that_a_fallback_has_goes_on_there(cas: Cas) -> None:
    cas.ca.refuses_orders, cas.b.answer = DOWN, "pending"
    assert (cas.check().outcome, cas.orders) == ("pending", (0, 1, 0))
    cas.ca.refuses_orders = cas.b.answer = None
    cas.host.pass_by(minutes=5)
    assert (cas.check().provider, cas.issuer(), cas.orders) == ("b", "b", (0, 1, 0))
    assert (cas.b.asked, cas.ca.asked) == (["https://ca.test/order/1"], [])
    assert [(row.provider, row.state) for row in cas.host.rows()] == [("ca", "failed"), ("b", "done")]


def test_an_order_that_dies_at_a_fallback_is_made_by_the_current_provider(cas: Cas) -> None:
    cas.ca.refuses_orders, cas.b.answer = DOWN, "pending"
    cas.check()
    cas.ca.refuses_orders, cas.b.answer = None, Failure("ca_refused", "finalizing the order: no")
    cas.host.pass_by(minutes=5)
    assert (cas.check().provider, cas.orders) == ("ca", (1, 1, 0))


def test_an_order_at_a_provider_that_is_not_chosen_any_more_ends(cas: Cas) -> None:
    cas.ca.refuses_orders, cas.b.answer = DOWN, "pending"
    cas.check()
    cas.ca.refuses_orders, cas.order = None, ["c"]
    cas.host.pass_by(minutes=5)
    assert (cas.check().provider, cas.orders) == ("ca", (1, 1, 0))
    assert [(row.provider, row.state) for row in cas.host.rows()][1:] == [("b", "cancelled"), ("ca", "done")]


def test_each_provider_has_its_own_cap(cas: Cas) -> None:
    names = [f"{label}.a.test" for label in ("one", "two", "three")]
    models.Website.update(names=json.dumps(["a.test", *names])).execute()
    cas.ca.refuses_orders = DOWN
    cas.b.specs = lambda: Specs("Small CA", "https://b.test/directory", max_names=2)  # type: ignore[method-assign]
    case = cas.check()
    assert (case.provider, len(case.names)) == ("b", 2)
    assert {left.code for left in case.left_off} == {"over_cap"}


def test_each_provider_has_its_own_caa_records(cas: Cas, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_issuer(names: Any, setting: Any, *_: object) -> Mapping[str, Verdict]:
        if setting.issuer.provider == "ca":
            return {name: Verdict(name, False, None, "caa_forbids", f"{name}: only b may") for name in names}
        assert setting.issuer.account_uri == "https://b/acct"
        return {name: Verdict(name, True, "http-01") for name in names}

    monkeypatch.setattr(jobs.validate, "preflight", by_issuer)
    assert (cas.check().provider, cas.issuer(), cas.orders) == ("b", "b", (0, 1, 0))


def test_records_that_forbid_everybody_are_said_for_each(cas: Cas, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(names: Any, setting: Any, *_: object) -> Mapping[str, Verdict]:
        said = f"not {setting.issuer.provider}"
        return {name: Verdict(name, False, None, "caa_forbids", f"{name}: {said}") for name in names}

    monkeypatch.setattr(jobs.validate, "preflight", nobody)
    case = cas.check()
    assert (case.outcome, cas.orders) == ("failed", (0, 0, 0))
    trouble = cas.host.trouble()
    assert trouble is not None and trouble.code == "all_names_failed"
    for name in ("ca", "b", "c"):
        assert f"{name}: a.test: not {name}" in trouble.text


def test_a_limit_is_waited_for_unless_the_certificate_would_end_before(cas: Cas) -> None:
    specs = Specs("Test CA", "https://ca.test/directory", limits=(SET,))
    cas.ca.specs = lambda: specs  # type: ignore[method-assign]
    cas.check()
    models.Certificate.update(not_before=NOW - timedelta(days=80), not_after=NOW + timedelta(days=10)).execute()
    assert (cas.check().outcome, cas.orders) == ("waiting", (1, 0, 0))
    models.Problem.delete().execute()
    models.Certificate.update(not_after=NOW + timedelta(days=4)).execute()
    assert (cas.check().provider, cas.orders) == ("b", (1, 1, 0))


def test_a_new_website_waits_for_the_limit_of_the_current_provider(cas: Cas) -> None:
    specs = Specs("Test CA", "https://ca.test/directory", limits=(SET,))
    cas.ca.specs = lambda: specs  # type: ignore[method-assign]
    cas.check()
    models.Certificate.delete().execute()
    case = cas.check()
    assert (case.outcome, cas.orders) == ("waiting", (1, 0, 0))


def test_each_provider_has_its_own_ledger(cas: Cas) -> None:
    specs = Specs("Test CA", "https://b.test/directory", limits=(SET,))
    cas.ca.refuses_orders = DOWN
    cas.b.specs = lambda: specs  # type: ignore[method-assign]
    cas.check()
    models.Certificate.delete().execute()
    assert (cas.check().provider, cas.orders) == ("c", (0, 1, 1)), "b waits for its limit, and c does not"


def test_what_waits_for_a_fallback_goes_on_as_soon_as_that_one_allows(cas: Cas) -> None:
    specs = Specs("Test CA", "https://b.test/directory", limits=(SET,))
    cas.b.specs = lambda: specs  # type: ignore[method-assign]
    behind = cas._provider("b", cas.host.world([]).ordering).ordering
    assert behind is not None
    late = waiting.Waiting("bob", "b.test", ("b.test",), 0.0, NOW + timedelta(days=2), "waits for its limit")
    waiting.park(behind.ledger, [late], NOW)
    cas.check()
    (row,) = [row for row in cas.host.rows() if row.website == "b.test"]
    assert (row.state, row.run_after) == ("waiting", NOW), "its unit is there after all"
