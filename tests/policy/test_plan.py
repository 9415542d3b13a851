"""Step 5: the coverage table of behaviour section 3, one case a row, and the provider's cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.coverage import UNUSED
from jobs.policy.decision import Action, Options, Presented, SiteFacts, Wait, decide
from jobs.policy.plan import Plan, needed_names, plan
from jobs.policy.site import NameKind, WantedName, Website
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from tests.fakes import NOW

OPTIONS = Options()
SPECS = Specs("CA", "https://ca.test/directory")
NOT_DUE, DUE, LAST_DAYS = NOW, NOW + timedelta(days=60), NOW + timedelta(days=87)


def facts(names: Sequence[str], secured: Sequence[str] = (), guesses: Sequence[str] = ()) -> SiteFacts:
    """A website with `names`; its certificate of 90 days covers `secured`; `guesses` are tried beside them."""
    own = tuple(WantedName(name, NameKind.ALIAS, own=True) for name in names)
    more = tuple(WantedName(name, NameKind.SERVICE, own=False) for name in guesses)
    ends = NOW + timedelta(days=90)
    stored = Certificate(tuple(secured), "1", "f", "CA", NOW, ends, False, "ecdsa-p256", False) if secured else None
    return SiteFacts(Website("alice", tuple(names)), own + more, stored, main_domain=names[0])


def verdicts(passed: Sequence[str], failed: Sequence[str] = (), gone: Sequence[str] = ()) -> dict[str, Verdict]:
    found = {name: Verdict(name, True, "http-01") for name in passed}
    found |= {name: Verdict(name, False, None, "http_status", f"{name}: status 404") for name in failed}
    return found | {name: Verdict(name, False, None, "dns_nxdomain", f"{name}: none", resolves=False) for name in gone}


def planned(known: SiteFacts, tried: dict[str, Verdict], now: datetime, specs: Specs = SPECS) -> Plan:
    return plan(decide(known, now, OPTIONS), known, tried, specs, now, OPTIONS)


@pytest.mark.parametrize(
    ("secured", "passed", "failed", "now", "action", "code", "names"),
    [
        ((), ("a", "b"), (), NOT_DUE, "order", "no_certificate", {"a", "b"}),
        ((), ("a",), ("b",), NOT_DUE, "order", "no_certificate", {"a"}),
        ((), (), ("a", "b"), NOT_DUE, "blocked", "all_names_failed", set()),
        (("a",), ("a", "b"), (), NOT_DUE, "order", "names_missing", {"a", "b"}),
        (("a",), ("a",), ("b",), NOT_DUE, "keep", "nothing_gained", {"a"}),
        (("a",), ("b",), ("a",), NOT_DUE, "keep", "coverage_blocked", {"a"}),
        (("a", "b"), ("a",), ("b",), DUE, "defer", "deferred", {"a", "b"}),
        (("a", "b"), ("a",), ("b",), LAST_DAYS, "order", "reduced_coverage", {"a"}),
        (("a",), ("a",), ("b",), DUE, "order", "due", {"a"}),
    ],
    ids=["all pass", "an unsecured one fails", "every one fails", "a new one passes", "a new one fails",
         "a secured one fails, not due", "a secured one fails, due", "a secured one fails, no time left",
         "due, an unsecured one fails"],
)
def test_the_coverage_table(
    secured: tuple[str, ...], passed: tuple[str, ...], failed: tuple[str, ...], now: datetime,
    action: str, code: str, names: set[str],
) -> None:
    def full(labels: tuple[str, ...]) -> list[str]:
        return [f"{label}.test" for label in labels]

    found = planned(facts(full(("a", "b")), full(secured)), verdicts(full(passed), full(failed)), now)
    assert (found.action.value, found.code) == (action, code)
    assert set(found.names) == {f"{label}.test" for label in names}
    assert {left.name for left in found.left_off} == set(full(failed))


def test_a_deferral_says_until_when_and_which_name_it_waits_for() -> None:
    found = planned(facts(["a.test", "b.test"], ["a.test", "b.test"]), verdicts(["a.test"], ["b.test"]), DUE)
    assert found.defer_until == NOW + timedelta(days=87)
    assert "b.test would be lost" in found.reason and "2027-02-19 12:00 UTC" in found.reason


def test_a_guess_that_does_not_resolve_is_silent_and_one_that_fails_otherwise_is_told() -> None:
    known = facts(["a.test"], guesses=["mail.a.test", "webmail.a.test"])
    found = planned(known, verdicts(["a.test"], ["mail.a.test"], ["webmail.a.test"]), NOT_DUE)
    assert [(left.name, left.code) for left in found.left_off] == [("mail.a.test", "http_status")]
    assert [(left.name, left.code) for left in found.unused] == [("webmail.a.test", UNUSED)]


def test_an_own_name_that_does_not_resolve_is_told() -> None:
    found = planned(facts(["a.test", "b.test"]), verdicts(["a.test"], gone=["b.test"]), NOT_DUE)
    assert [(left.name, left.code) for left in found.left_off] == [("b.test", "dns_nxdomain")]


# --- the cap

TWO = replace(SPECS, max_names=2)
THREE_NAMES = ["a.test", "www.a.test", "blog.a.test"]


def test_more_names_than_the_cap_are_left_off_with_the_reason() -> None:
    found = planned(facts(THREE_NAMES), verdicts(THREE_NAMES), NOT_DUE, TWO)
    assert found.action is Action.ORDER and found.names == ("a.test", "www.a.test")
    assert [(left.name, left.code) for left in found.left_off] == [("blog.a.test", "over_cap")]


def test_names_over_the_cap_do_not_have_the_same_certificate_ordered_again() -> None:
    found = planned(facts(THREE_NAMES, THREE_NAMES[:2]), verdicts(THREE_NAMES), NOT_DUE, TWO)
    assert (found.action, found.code) == (Action.KEEP, "nothing_gained")
    assert [(left.name, left.code) for left in found.left_off] == [("blog.a.test", "over_cap")]
    assert planned(facts(THREE_NAMES, THREE_NAMES[:2]), verdicts(THREE_NAMES), DUE, TWO).action is Action.ORDER


def test_a_lower_cap_than_before_keeps_the_certificate_until_it_is_due() -> None:
    names = [*THREE_NAMES, "new.a.test"]
    assert planned(facts(names, THREE_NAMES), verdicts(names), NOT_DUE, TWO).action is Action.KEEP


# --- which names are tried

def test_names_whose_backoff_runs_are_not_tried_unless_they_are_secured_or_a_person_asks() -> None:
    known = facts(["a.test", "b.test", "c.test"], ["a.test"])
    wait = {name: Wait(NOW + timedelta(hours=1), "http_status", "x") for name in ("a.test", "b.test")}
    known = replace(known, waits=wait)
    decision = decide(known, NOW, OPTIONS)
    assert needed_names(decision, known, NOW, OPTIONS) == ("a.test", "c.test")
    assert set(needed_names(decision, known, NOW, Options(forced=True))) == {"a.test", "b.test", "c.test"}


def test_nothing_is_tried_for_a_website_that_needs_no_order() -> None:
    known = facts(["a.test"], ["a.test"])
    assert needed_names(decide(known, NOW, OPTIONS), known, NOW, OPTIONS) == ()


def test_a_reason_from_before_is_told_for_a_name_that_is_not_tried_now() -> None:
    wait = {"b.test": Wait(NOW + timedelta(hours=1), "http_status", "b.test: status 404")}
    known = replace(facts(["a.test", "b.test"], ["a.test"]), waits=wait)
    found = planned(known, {}, NOT_DUE)
    assert found.action is not Action.ORDER
    assert [(left.name, left.text) for left in found.left_off] == [("b.test", "b.test: status 404")]


def test_a_website_that_was_given_over_keeps_what_it_has_until_a_new_certificate_covers_as_much() -> None:
    ends = NOW + timedelta(days=90)
    theirs = Certificate(("a.test", "b.test"), "2", "theirs", "Other CA", NOW, ends, False, "ecdsa-p256", False)
    known = replace(facts(("a.test", "b.test", "c.test")), takeover=True, presented={"apache": Presented(theirs)})
    found = planned(known, verdicts(("a.test", "c.test"), ("b.test",)), NOW)
    assert (found.action, found.code) == (Action.KEEP, "coverage_blocked") and "b.test is secured" in found.reason
    assert [left.name for left in found.left_off] == ["b.test"]
    assert planned(known, verdicts((), ("a.test", "b.test", "c.test")), NOW).action is Action.BLOCKED
    good = planned(known, verdicts(("a.test", "b.test"), ("c.test",)), NOW)
    assert good.action is Action.ORDER and set(good.names) == {"a.test", "b.test"}
    late = planned(known, verdicts(("a.test", "c.test"), ("b.test",)), LAST_DAYS)
    assert late.action is Action.ORDER, "what is about to end is replaced by what can be had"
