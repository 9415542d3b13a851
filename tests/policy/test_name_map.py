"""A map of names knows both ways at once, whatever it is told one after the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.name_map import NameMap

NAMES, OWNERS = ["a.test", "b.test", "*.a.test", "c.test"], ["one", "two", "three"]


def test_a_name_that_is_given_to_another_leaves_its_former_owner() -> None:
    names = NameMap({"a.test": "one", "b.test": "one", "c.test": "two"})
    assert names.give(["c.test", "b.test"], "two")
    assert (names.names_of("one"), names.names_of("two")) == (("a.test",), ("c.test", "b.test"))


def test_an_owner_without_names_is_none() -> None:
    names = NameMap({"a.test": "one"})
    assert names.give(["a.test"], "two")
    assert list(names.owners) == ["two"] and names.names_of("one") == ()
    assert names.give([], "two")
    assert not names and not list(names.owners)


def test_names_that_an_owner_has_already_change_nothing_in_whatever_order() -> None:
    names = NameMap({"a.test": "one", "b.test": "one"})
    assert not names.give(["b.test", "a.test", "b.test"], "one")
    assert names == {"a.test": "one", "b.test": "one"}


@given(st.lists(st.tuples(st.lists(st.sampled_from(NAMES)), st.sampled_from(OWNERS))))
def test_both_ways_say_the_same_as_a_plain_dictionary(given_names: list[tuple[list[str], str]]) -> None:
    names, plain = NameMap(), {}
    for some, owner in given_names:
        former = dict(plain)
        plain = {name: one for name, one in plain.items() if one != owner} | dict.fromkeys(some, owner)
        assert names.give(some, owner) == (plain != former)
        assert names == plain and set(names.owners) == set(plain.values())
        for one in OWNERS:
            assert set(names.names_of(one)) == {name for name, whose in plain.items() if whose == one}
