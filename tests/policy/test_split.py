"""Names over the cap: which parts a website has, what they want, and when their names come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from jobs.policy.certificate import Certificate
from jobs.policy.decision import Action, Presented, SiteFacts, decide
from jobs.policy.names import wanted_names
from jobs.policy.plan import Plan, plan
from jobs.policy.site import Website
from jobs.policy.specs import Specs
from jobs.policy.split import divide, taken_names, tidied, wants
from jobs.policy.verdict import Verdict
from tests.fakes import NOW
from tests.policy.test_plan import OPTIONS, SPECS, verdicts

SITE = Website("alice", ("a.test", "shop.a.test", "blog.a.test", "news.a.test"))
TWO = replace(SPECS, max_names=2)


def facts(names: tuple[str, ...], elsewhere: tuple[str, ...] = (), **more: object) -> SiteFacts:
    every = {name.fqdn: name for name in wanted_names(SITE, (), ())}
    return SiteFacts(
        SITE, tuple(every[name] for name in names), main_domain="a.test", presented={"apache": None, "dovecot": None},
        elsewhere=tuple(every[name] for name in elsewhere), several=("dovecot",), **more,  # type: ignore[arg-type]
    )


def planned(known: SiteFacts, tried: dict[str, Verdict], specs: Specs = TWO, **more: float) -> Plan:
    now = NOW + timedelta(**more)
    return plan(decide(known, now, OPTIONS), known, tried, specs, now, OPTIONS)


def test_new_names_go_to_the_part_with_room_and_else_to_a_new_one() -> None:
    made = divide(SITE, (), ["blog.a.test", "news.a.test", "x.test"], 2)
    assert [part.names for part in made.parts] == [("blog.a.test", "news.a.test"), ("x.test",)]
    assert {(part.part_of, part.source, part.account) for part in made.parts} == {("a.test", "split", "alice")}
    more = divide(SITE, made.parts, ["y.test", "z.test"], 2)
    assert [part.names for part in more.parts] == [("blog.a.test", "news.a.test"), ("x.test", "y.test"), ("z.test",)]
    assert [part.main for part in more.changed] == ["x.test", "z.test"]


def test_a_part_that_is_too_big_itself_gives_names_away_but_not_the_one_that_it_is_called_after() -> None:
    part = Website("alice", ("b.test", "c.test", "d.test"), source="split", part_of="a.test")
    made = divide(SITE, [part], ["d.test", "b.test"], 2)
    assert [one.names for one in made.parts] == [("b.test", "c.test"), ("d.test",)]


def test_a_wildcard_finds_no_place() -> None:
    assert divide(SITE, (), ["*.a.test"], 2).parts == ()


def test_a_part_wants_exactly_its_names_and_its_website_the_others() -> None:
    part = Website("alice", ("blog.a.test", "mail.a.test", "gone.test"), part_of="a.test")
    found = wants([SITE, part], {}, {"alice": {"mail.a.test"}}, taken_names([SITE, part]))
    assert [(name.fqdn, name.own) for name in found["blog.a.test"].names] == [("blog.a.test", True)]
    assert [name.fqdn for name in found["a.test"].elsewhere] == ["blog.a.test"]
    whole = {name.fqdn for name in found["a.test"].names}
    assert {"a.test", "shop.a.test", "www.blog.a.test"} <= whole and not whole & {"blog.a.test", "mail.a.test"}
    assert wants([part], {}, {}, ())["blog.a.test"].names == ()


def test_a_part_loses_names_that_its_website_lost_and_keeps_excluded_ones_for_later() -> None:
    part = Website("alice", ("blog.a.test", "mail.a.test", "gone.test"), part_of="a.test")
    assert tidied(part, {"blog.a.test", "mail.a.test"}).names == ("blog.a.test", "mail.a.test")
    assert tidied(part, {"mail.a.test"}).names == ("blog.a.test", "mail.a.test")


def test_a_name_over_the_cap_says_where_it_goes() -> None:
    found = planned(facts(SITE.names), verdicts(SITE.names))
    assert found.action is Action.ORDER and len(found.names) == 2
    texts = {left.text for left in found.left_off}
    assert texts == {"more names than the provider's 2 a certificate; it goes onto a further one, for dovecot only"}
    foreign = Presented(Certificate(SITE.names, "9", "x", "Other", NOW, NOW + timedelta(days=90), False, "", False))
    theirs = replace(facts(SITE.names), presented={"apache": None, "dovecot": foreign})
    assert all("further" not in left.text for left in planned(theirs, verdicts(SITE.names)).left_off)


def test_a_name_of_a_part_is_told_as_missing_from_the_web_server_only_where_there_is_one() -> None:
    known = facts(("a.test", "shop.a.test"), ("blog.a.test",))
    found = planned(known, verdicts(SITE.names))
    assert [(left.name, left.code) for left in found.left_off] == [("blog.a.test", "split_off")]
    assert "a further certificate for dovecot only" in found.left_off[0].text
    mail_only = replace(known, presented={"dovecot": None})
    assert planned(mail_only, verdicts(SITE.names)).left_off == ()


def test_what_a_lower_cap_would_take_away_is_waited_for_until_shortly_before_the_end() -> None:
    three = SITE.names[:3]
    stored = Certificate(three, "1", "f", "CA", NOW, NOW + timedelta(days=90), False, "ecdsa-p256", False)
    known = facts(three, stored=stored)
    found = planned(known, verdicts(three), days=60)
    assert found.action is Action.DEFER and "shop.a.test (over the provider's limit) would be lost" in found.reason
    late = planned(known, verdicts(three), days=88)
    assert (late.action, late.code, len(late.names)) == (Action.ORDER, "reduced_coverage", 2)


def test_names_come_back_when_a_wildcard_makes_room_for_all_of_them() -> None:
    known = facts(("a.test", "shop.a.test"), ("blog.a.test", "news.a.test"))
    tried = verdicts(SITE.names) | {"*.a.test": Verdict("*.a.test", True, "dns-01")}
    found = planned(known, tried, replace(TWO, wildcard=True))
    assert found.names == ("a.test", "*.a.test") and found.left_off == ()
    assert planned(known, verdicts(SITE.names), replace(TWO, wildcard=True)).names == ("a.test", "shop.a.test")
