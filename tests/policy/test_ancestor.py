"""Ancestor DCV: who passes through whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.policy.ancestor import through_ancestors
from jobs.policy.decision import decide
from jobs.policy.plan import plan
from jobs.policy.verdict import Verdict
from tests.fakes import NOW
from tests.policy.test_plan import OPTIONS, SPECS, facts, verdicts

NAMES = ["a.test", "shop.a.test", "x.shop.a.test"]


def test_a_failing_name_passes_through_the_nearest_domain_above_that_passed_itself() -> None:
    known = facts(NAMES)
    found = through_ancestors(known.wanted, verdicts(["a.test"], NAMES[1:]), True)
    assert {name: (one.passed, one.ancestor) for name, one in found.items()} == {
        "a.test": (True, ""), "shop.a.test": (True, "a.test"), "x.shop.a.test": (True, "a.test")
    }
    assert "validated through a.test [http_status]" in str(found["shop.a.test"].warnings[-1])
    near = through_ancestors(known.wanted, verdicts(["a.test", "shop.a.test"], ["x.shop.a.test"]), True)
    assert near["x.shop.a.test"].ancestor == "shop.a.test"


def test_nothing_changes_where_the_provider_does_not_support_it() -> None:
    tried = verdicts(["a.test"], NAMES[1:])
    assert through_ancestors(facts(NAMES).wanted, tried, False) == tried


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("shop.a.test", Verdict("shop.a.test", False, None, "caa_forbids", "x")),
        ("*.a.test", Verdict("*.a.test", False, None, "dns_timeout", "x")),
        ("a.test", Verdict("a.test", False, None, "http_status", "x")),
    ],
    ids=["CAA forbids it", "a wildcard", "nothing above it"],
)
def test_it_does_not_help(name: str, failed: Verdict) -> None:
    known = facts(["a.test", "b.test", name] if name != "a.test" else ["a.test", "b.test"])
    found = through_ancestors(known.wanted, verdicts(["a.test", "b.test"]) | {name: failed}, True)
    assert not found[name].passed


def test_a_guess_that_does_not_exist_stays_silent_and_a_domain_of_another_website_does_not_help() -> None:
    known = facts(["a.test"], guesses=["webmail.a.test"])
    assert not through_ancestors(known.wanted, verdicts(["a.test"], gone=["webmail.a.test"]), True)[
        "webmail.a.test"].passed
    alone = facts(["shop.a.test"])
    assert not through_ancestors(alone.wanted, verdicts(["a.test"], ["shop.a.test"]), True)["shop.a.test"].passed


def test_the_plan_says_through_which_domain_a_name_is_validated() -> None:
    known = facts(NAMES[:2])
    tried = verdicts([], ["shop.a.test"]) | {"a.test": Verdict("a.test", True, "dns-01")}
    tried = through_ancestors(known.wanted, tried, True)
    specs = replace(SPECS, ancestor_dcv=True)
    found = plan(decide(known, NOW, OPTIONS), known, tried, specs, NOW, OPTIONS)
    assert found.names == ("a.test", "shop.a.test") and found.left_off == ()
    assert found.remarks == ("validated by DNS (dns-01): a.test", "shop.a.test is validated through a.test")
