"""What holds for every plan, whatever fails: hypothesis looks for a website for which it does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.certificate import Certificate
from jobs.policy.coverage import OVER_CAP, secured_names
from jobs.policy.decision import Action, Options, Presented, SiteFacts, decide
from jobs.policy.due import deferral_ends
from jobs.policy.names import covers, wanted_names
from jobs.policy.plan import Plan, needed_wildcards, plan
from jobs.policy.site import Website
from jobs.policy.specs import Specs
from jobs.policy.split import divide
from jobs.policy.verdict import Verdict
from jobs.policy.wildcard import Neighbours
from tests.fakes import NOW

PLAIN = Options()
POOL = ("a.test", "b.test", "shop.a.test", "blog.a.test", "x.shop.a.test", "www.a.test", "mail.b.test", "*.b.test",
        "deep.x.shop.a.test", "old.b.test")
LABELS = ("webmail", "autodiscover")


@dataclass(frozen=True)
class World:
    """A website, what is known of it, and what a preflight would say."""

    facts: SiteFacts
    verdicts: dict[str, Verdict]
    specs: Specs
    now: datetime
    excluded: frozenset[str]
    foreign: frozenset[str]

    def plan(self, options: Options = PLAIN) -> Plan:
        decision = decide(self.facts, self.now, options)
        return plan(decision, self.facts, self.verdicts, self.specs, self.now, options)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    names = draw(st.permutations(POOL).flatmap(lambda all: st.integers(1, 8).map(lambda count: all[:count])))
    names = sorted(names, key=lambda name: name.startswith("*."))
    site = Website("alice", tuple(names))
    excluded = frozenset(draw(st.sets(st.sampled_from((*POOL, "mail.a.test", "webmail.a.test")), max_size=2)))
    others = draw(st.sets(st.sampled_from(("bob.a.test", "bob.b.test", "z.shop.a.test")), max_size=2))
    neighbours = Neighbours([site, *(Website("bob", (name,)) for name in sorted(others))])
    wanted = wanted_names(site, LABELS, excluded)
    fqdns = [name.fqdn for name in wanted]
    bases = {name.removeprefix("*.") for name in fqdns}
    barred = {base: why for base in bases if (why := neighbours.why_not(base, "alice", excluded))}
    secured = draw(st.sets(st.sampled_from(fqdns))) if fqdns and draw(st.booleans()) else set()
    if secured and draw(st.booleans()):
        secured |= {"*.a.test"}
    stored = None
    if secured:
        stored = Certificate(
            tuple(sorted(secured)), "1", "f", "CA", NOW, NOW + timedelta(days=90), False, "ecdsa-p256", False
        )
    facts = SiteFacts(site, wanted, stored, main_domain=names[0], barred=barred)
    specs = Specs("CA", "https://ca.test/", max_names=draw(st.sampled_from((None, 1, 2, 3, 5, 100))),
                  wildcard=draw(st.booleans()))
    now = NOW + timedelta(days=draw(st.sampled_from((0, 59, 60, 70, 86, 88, 91))))
    decision = decide(facts, now, PLAIN)
    asked = [*fqdns, *needed_wildcards(decision, facts, specs, True, now, PLAIN)]
    verdicts = {name: draw(verdict(name)) for name in asked}
    return World(facts, verdicts, specs, now, excluded, frozenset(others))


def verdict(name: str) -> st.SearchStrategy[Verdict]:
    method = "dns-01" if name.startswith("*.") else "http-01"
    return st.sampled_from((
        Verdict(name, True, method), Verdict(name, True, method),
        Verdict(name, False, None, "http_status", f"{name}: status 404"),
        Verdict(name, False, None, "dns_nxdomain", f"{name}: none", resolves=False),
    ))


@given(worlds())
def test_no_secured_name_is_lost_before_the_deferral_is_over(world: World) -> None:
    found, stored = world.plan(), world.facts.stored
    if found.action is not Action.ORDER or stored is None or world.now >= stored.not_after:
        return
    silent = {entry.name for entry in found.unused}
    secured = [name for name in secured_names(world.facts, world.now) if name in stored.names or name not in silent]
    lost = [name for name in secured if not covers(found.names, name)]
    assert not lost or world.now >= deferral_ends(stored)
    assert not lost or found.code == "reduced_coverage"


@given(worlds())
def test_a_certificate_never_has_more_names_than_the_provider_allows(world: World) -> None:
    found = world.plan()
    if found.action is Action.ORDER and world.specs.max_names is not None:
        assert 1 <= len(found.names) <= world.specs.max_names


@given(worlds())
def test_only_what_passed_is_ordered_and_nothing_is_ordered_twice(world: World) -> None:
    found = world.plan()
    if found.action is not Action.ORDER:
        return
    assert all(world.verdicts[name].passed for name in found.names)
    assert len(set(found.names)) == len(found.names)
    wild = [name for name in found.names if name.startswith("*.")]
    assert not [name for name in found.names for other in wild if name != other and covers((other,), name)]


@given(worlds())
def test_every_wanted_name_is_on_the_certificate_or_has_its_reason(world: World) -> None:
    found = world.plan()
    if found.action is not Action.ORDER:
        return
    told = {entry.name for entry in (*found.left_off, *found.unused)}
    for name in world.facts.names:
        assert covers(found.names, name) != (name in told)


@given(worlds())
def test_a_wildcard_never_covers_an_excluded_name_or_one_of_another_account(world: World) -> None:
    found = world.plan()
    if found.action is Action.ORDER:
        for name in world.excluded | world.foreign:
            assert not covers(found.names, name)


@given(worlds())
def test_a_wildcard_that_nobody_listed_comes_with_its_base(world: World) -> None:
    found = world.plan()
    if found.action is Action.ORDER:
        for name in found.names:
            if name.startswith("*.") and name not in world.facts.names:
                assert covers(found.names, name[2:]) and world.specs.wildcard


@given(worlds(), st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_any_order(world: World, random) -> None:
    wanted = list(world.facts.wanted)
    random.shuffle(wanted)
    verdicts = list(world.verdicts.items())
    random.shuffle(verdicts)
    other = replace(world, facts=replace(world.facts, wanted=tuple(wanted)), verdicts=dict(verdicts))
    mine, theirs = world.plan(), other.plan()
    assert (mine.action, mine.code, mine.names) == (theirs.action, theirs.code, theirs.names)
    assert {(one.name, one.code) for one in mine.left_off} == {(one.name, one.code) for one in theirs.left_off}


@given(worlds())
def test_what_was_ordered_is_not_ordered_again_before_it_is_due(world: World) -> None:
    """The next check after an order, with the same answers, finds nothing to do."""
    found = world.plan()
    if found.action is not Action.ORDER:
        return
    fresh = Certificate(
        found.names, "2", "g", "CA", world.now, world.now + timedelta(days=90), False, "ecdsa-p256", False
    )
    again = replace(world, facts=replace(world.facts, stored=fresh)).plan()
    assert again.action is Action.KEEP and again.names == found.names


@given(worlds(), st.sampled_from((-1, 1, 2, 4, 60)), st.booleans(), st.booleans())
def test_a_valid_certificate_of_somebody_else_is_never_touched(
    world: World, days_left: int, allowed: bool, weak: bool
) -> None:
    ends = world.now + timedelta(days=days_left)
    began, key = NOW - timedelta(days=300), "rsa-1024" if weak else "rsa-2048"
    theirs = Certificate(POOL, "9", "x", "Other", began, ends, False, key, weak)
    facts = replace(world.facts, presented={"apache": Presented(theirs)})
    found = replace(world, facts=facts).plan(Options(replace_foreign=allowed))
    useless = weak or days_left <= 3
    assert found.action is Action.LEAVE or (allowed and useless) or not facts.wanted


NAMES = st.lists(st.sampled_from([f"n{number}.test" for number in range(12)]), unique=True, min_size=1)


@given(NAMES, NAMES, st.integers(1, 4), st.integers(1, 4))
def test_parts_share_the_names_among_them_and_keep_what_they_have(
    first: list[str], second: list[str], cap: int, lower: int
) -> None:
    whole = Website("alice", ("whole.test",))
    made = divide(whole, (), first, cap)
    assert sorted(name for part in made.parts for name in part.names) == sorted(first)
    assert all(1 <= len(part.names) <= cap and part.part_of == "whole.test" for part in made.parts)
    assert divide(whole, made.parts, first[:0], cap).changed == ()
    new = [name for name in second if name not in first]
    more = divide(whole, made.parts, new, lower)
    after = {part.main: part.names for part in more.parts}
    for part in made.parts:
        assert after[part.main][: len(part.names)] == part.names
        assert part in more.changed or len(after[part.main]) > len(part.names) or after[part.main] == part.names
    assert sorted(name for names in after.values() for name in names) == sorted({*first, *second})
    grown = [part for part in more.parts if part not in made.parts]
    assert all(len(part.names) <= lower for part in grown)
    assert set(more.changed) == set(grown)


@given(worlds())
def test_names_over_the_cap_are_told_as_such(world: World) -> None:
    found = world.plan()
    over = [entry.name for entry in found.left_off if entry.code == OVER_CAP]
    assert all(world.verdicts[name].passed for name in over)
    assert world.specs.max_names is not None or not over
