"""When siblings become a wildcard, and when nobody may have one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from jobs.policy.coverage import UNUSED
from jobs.policy.decision import Action, SiteFacts, Wait, decide
from jobs.policy.names import wanted_names
from jobs.policy.plan import Plan, needed_names, needed_wildcards, plan
from jobs.policy.site import Website
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.policy.wildcard import Neighbours
from tests.fakes import NOW
from tests.policy.test_plan import DUE, OPTIONS, SPECS, facts, verdicts

WILD = replace(SPECS, wildcard=True)
FOUR = ("a.test", "shop.a.test", "blog.a.test", "news.a.test")


def asked(known: SiteFacts, specs: Specs = WILD, allowed: bool = True) -> tuple[str, ...]:
    return needed_wildcards(decide(known, NOW, OPTIONS), known, specs, allowed, NOW, OPTIONS)


def planned(known: SiteFacts, tried: dict[str, Verdict], specs: Specs = WILD, now=NOW) -> Plan:
    return plan(decide(known, now, OPTIONS), known, tried, specs, now, OPTIONS)


def with_wildcard(passed: Sequence[str], failed: Sequence[str] = (), gone: Sequence[str] = ()) -> dict[str, Verdict]:
    return verdicts(passed, failed, gone) | {"*.a.test": Verdict("*.a.test", True, "dns-01")}


def test_three_siblings_become_the_base_and_a_wildcard() -> None:
    found = planned(facts(FOUR), with_wildcard(FOUR))
    assert found.names == ("a.test", "*.a.test")
    assert "*.a.test stands for 3 names: shop.a.test, blog.a.test and news.a.test" in found.remarks
    assert "validated by DNS (dns-01): *.a.test" in found.remarks


def test_two_siblings_stay_as_they_are_unless_there_are_too_many_names() -> None:
    names = FOUR[:3]
    assert asked(facts(names)) == ()
    assert "*.a.test" not in planned(facts(names), with_wildcard(names)).names
    tight = replace(WILD, max_names=2)
    assert asked(facts(names), tight) == ("*.a.test",)
    found = planned(facts(names), with_wildcard(names), tight)
    assert found.names == ("a.test", "*.a.test") and found.left_off == ()


def test_a_sibling_that_fails_by_http_is_covered_too_and_not_told_any_more() -> None:
    known = facts(FOUR, guesses=["webmail.a.test"])
    found = planned(known, with_wildcard(FOUR[:2], FOUR[2:], ["webmail.a.test"]))
    assert found.names == ("a.test", "*.a.test")
    assert (found.left_off, found.unused) == ((), ())


def test_guesses_that_nobody_uses_are_no_siblings() -> None:
    known = facts(FOUR[:3], guesses=["webmail.a.test", "mail.a.test"])
    found = planned(known, with_wildcard(FOUR[:3], gone=["webmail.a.test", "mail.a.test"]))
    assert "*.a.test" not in found.names
    waits = {name: Wait(DUE, UNUSED, "x") for name in ("webmail.a.test", "mail.a.test")}
    assert asked(known) == ("*.a.test",) and asked(replace(known, waits=waits)) == ()


def test_a_name_deeper_than_one_label_stays() -> None:
    names = (*FOUR, "x.shop.a.test")
    assert planned(facts(names), with_wildcard(names)).names == ("a.test", "*.a.test", "x.shop.a.test")


def test_a_wildcard_that_failed_leaves_everything_as_it_was() -> None:
    failed = Verdict("*.a.test", False, None, "dns_timeout", "*.a.test: no answer")
    found = planned(facts(FOUR), verdicts(FOUR) | {"*.a.test": failed})
    assert set(found.names) == set(FOUR) and found.left_off == () and found.remarks == ()


def test_the_base_must_be_wanted_by_the_website_itself_and_pass() -> None:
    siblings = FOUR[1:]
    assert asked(facts(siblings)) == ()
    assert set(planned(facts(siblings), with_wildcard(siblings)).names) == set(siblings)
    assert set(planned(facts(FOUR), with_wildcard(siblings, ["a.test"])).names) == set(siblings)


@pytest.mark.parametrize(
    ("others", "excluded", "why"),
    [
        ([Website("bob", ("x.a.test",))], (), "another account has a name right below a.test"),
        ([Website("bob", ("*.a.test", "y.example"))], (), "another account has a name right below a.test"),
        ([Website("alice", ("x.a.test",))], (), ""),
        ([Website("bob", ("y.x.a.test",))], (), ""),
        ([Website("bob", ("a.test.example",))], (), ""),
        ([], ("old.a.test",), "old.a.test is excluded, and *.a.test would cover it"),
        ([], ("x.old.a.test", "a.test"), ""),
    ],
)
def test_nobody_has_a_wildcard_over_names_of_others_or_excluded_ones(
    others: list[Website], excluded: Sequence[str], why: str
) -> None:
    site = Website("alice", FOUR)
    assert Neighbours([site, *others]).why_not("a.test", "alice", excluded) == why
    known = replace(facts(FOUR), barred={"a.test": why} if why else {})
    assert asked(known) == (() if why else ("*.a.test",))
    assert ("*.a.test" in planned(known, with_wildcard(FOUR)).names) is (not why)


def test_a_wildcard_that_stands_is_not_lost_because_somebody_else_lists_a_name_below_it() -> None:
    near = Neighbours([Website("alice", FOUR), Website("mallory", ("zz.a.test",))])
    assert near.why_not("a.test", "alice", (), FOUR) == "another account has a name right below a.test"
    assert near.why_not("a.test", "alice", (), (*FOUR, "*.a.test")) == ""
    assert near.why_not("a.test", "alice", ("old.a.test",), ("*.a.test",)) != ""


def test_nobody_has_a_wildcard_below_a_domain_of_another_account() -> None:
    near = Neighbours([Website("alice", ("alice.host.test", "a.test")), Website("bob", ("host.test",))])
    assert near.why_not("host.test", "alice", ()) == "host.test belongs to another account"


# --- a wildcard that the website lists itself

def own(names: Sequence[str], **more: object) -> SiteFacts:
    site = Website("alice", tuple(names))
    return SiteFacts(site, wanted_names(site, (), ()), main_domain=names[0], **more)  # type: ignore[arg-type]


def test_a_wildcard_that_the_website_lists_is_ordered_and_stands_for_what_it_covers() -> None:
    known = own(("a.test", "*.a.test"))
    assert "*.a.test" in needed_names(decide(known, NOW, OPTIONS), known, NOW, OPTIONS)
    found = planned(known, with_wildcard(("a.test", "www.a.test", "mail.a.test")))
    assert found.names == ("a.test", "*.a.test"), "a CA refuses names that say the same twice"


@pytest.mark.parametrize(
    ("specs", "barred", "code"),
    [
        (SPECS, {}, "wildcard_unsupported"),
        (WILD, {"a.test": "another account has a name right below a.test"}, "wildcard_barred"),
    ],
)
def test_a_listed_wildcard_that_can_not_be_had_is_told_and_the_others_are_ordered(
    specs: Specs, barred: dict[str, str], code: str
) -> None:
    found = planned(own(("a.test", "*.a.test"), barred=barred), with_wildcard(("a.test", "www.a.test")), specs)
    assert set(found.names) == {"a.test", "www.a.test"}
    assert [(left.name, left.code) for left in found.left_off] == [("*.a.test", code)]


# --- afterwards

def test_a_renewal_without_the_wildcard_goes_back_to_single_names_without_waiting() -> None:
    """The backend is gone: what people use is covered one by one, and guesses that nobody uses are no loss."""
    known = facts(FOUR, ["a.test", "*.a.test"], ["webmail.a.test"])
    found = planned(known, verdicts(FOUR, gone=["webmail.a.test"]), now=DUE)
    assert found.action is Action.ORDER and set(found.names) == set(FOUR)


def test_a_renewal_without_the_wildcard_waits_for_a_sibling_that_would_be_lost() -> None:
    known = facts(FOUR, ["a.test", "*.a.test"])
    found = planned(known, verdicts(FOUR[:3], FOUR[3:]), now=DUE)
    assert found.action is Action.DEFER and "news.a.test would be lost" in found.reason


def test_an_order_under_way_with_a_wildcard_is_gone_on_with_as_it_is() -> None:
    tried = {name: Verdict(name, True, "http-01") for name in ("a.test", "*.a.test")}
    known = replace(facts(FOUR[:3]), under_way=tried)
    assert planned(known, tried).names == ("a.test", "*.a.test")
    barred = replace(known, barred={"a.test": "another account has a name right below a.test"})
    assert planned(barred, tried).names == ("a.test",)
