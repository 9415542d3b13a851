"""Values of the contract as JSON and back: the same value, or a refusal; never one of another type."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.rootside.values import BadValue, decoded, encoded
from jobs.rootside.verbs import VERBS, Told

ASKED = sorted(VERBS)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(timezones=st.just(UTC) | ZONES)
TEXTS = st.text(st.characters(), max_size=40)
"""Surrogates and control characters as well."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12,
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type of the contract."""
    origin, arms = typing.get_origin(hint), typing.get_args(hint)
    if hint is None or hint is type(None):
        return st.none()
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values(arm) for arm in arms])
    if origin is tuple:
        if arms[1:] == (Ellipsis,):
            return st.lists(values(arms[0]), max_size=3).map(tuple)
        return st.tuples(*(values(arm) for arm in arms))
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{one.name: values(hints[one.name]) for one in dataclasses.fields(hint)})
    plain = {str: TEXTS, int: st.integers(), bool: st.booleans(), bytes: st.binary(max_size=40), datetime: MOMENTS,
             Path: st.text(st.characters(exclude_characters="\0"), max_size=20).map(Path)}
    return plain[hint] if hint in plain else st.sampled_from(list(hint))


def is_of(hint: Any, value: Any) -> bool:
    """Whether a value is exactly of that type, through and through."""
    origin, arms = typing.get_origin(hint), typing.get_args(hint)
    if hint is None or hint is type(None):
        return value is None
    if origin in (typing.Union, types.UnionType):
        return any(is_of(arm, value) for arm in arms)
    if origin is tuple:
        wanted = arms[:1] * len(value) if arms[1:] == (Ellipsis,) else arms
        return type(value) is tuple and len(wanted) == len(value) and all(map(is_of, wanted, value))
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return type(value) is hint and all(
            is_of(hints[one.name], getattr(value, one.name)) for one in dataclasses.fields(hint)
        )
    if hint is Path:
        return isinstance(value, Path)
    return type(value) is hint and (not isinstance(value, datetime) or value.tzinfo is not None)


def crossed(value: Any) -> Any:
    """What the other side takes apart."""
    text = json.dumps(encoded(value), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return json.loads(text.decode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("part", ["asked", "answer"])
@pytest.mark.parametrize("verb", ASKED)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_value_of_the_contract_comes_back_as_it_was(verb: str, part: str, data: st.DataObject) -> None:
    hint = getattr(VERBS[verb], part)
    value = data.draw(values(hint))
    back = decoded(hint, crossed(value))
    assert back == value and is_of(hint, back)


@pytest.mark.parametrize("verb", ASKED)
@settings(max_examples=30)
@given(raw=JSON)
def test_what_anybody_sends_becomes_a_value_of_the_contract_or_is_refused(verb: str, raw: Any) -> None:
    hint = VERBS[verb].asked
    try:
        value = decoded(hint, raw)
    except BadValue:
        return
    assert is_of(hint, value)


@pytest.mark.parametrize("verb", [verb for verb in ASKED if dataclasses.fields(VERBS[verb].asked)])
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), other=JSON)
def test_a_good_value_with_one_part_exchanged_is_of_the_contract_or_refused(
    verb: str, data: st.DataObject, other: Any
) -> None:
    hint = VERBS[verb].asked
    raw = crossed(data.draw(values(hint)))
    at, steps = raw, data.draw(st.integers(1, 4))
    for step in range(steps):
        keys = list(at) if isinstance(at, dict) else list(range(len(at))) if isinstance(at, list) else []
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if step == steps - 1 or not isinstance(at[key], dict | list):
            at[key] = other
            break
        at = at[key]
    try:
        value = decoded(hint, raw)
    except BadValue:
        return
    assert is_of(hint, value)


@pytest.mark.parametrize(("hint", "raw"), [
    (int, True), (int, 1.0), (int, "1"), (bool, 1), (bool, 0), (str, None), (str, 1), (bytes, "é"), (bytes, "a"),
    (bytes, "YQ== "), (datetime, "2026-01-01T00:00:00"), (datetime, ""), (datetime, "never"), (tuple[str, ...], "ab"),
    (tuple[str, ...], {"0": "a"}), (tuple[str, str], ["a"]), (Told, {"code": "x", "detail": "y"}), (None, 0),
    (Told, {"code": "x", "detail": "y", "permanent": False, "more": 1}), (Told, ["x", "y", False]), (object, {}),
])
def test_a_value_of_another_type_is_refused(hint: Any, raw: Any) -> None:
    with pytest.raises(BadValue):
        decoded(hint, raw)


def test_no_type_of_the_contract_has_more_than_one_meaning() -> None:
    """`X | Y` would be taken for the first of them."""
    seen: set[Any] = set()

    def look(hint: Any) -> None:
        if hint in seen:
            return
        seen.add(hint)
        arms = [arm for arm in typing.get_args(hint) if arm not in (type(None), Ellipsis)]
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            assert len(arms) == 1, hint
        for arm in arms:
            look(arm)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            for inner in typing.get_type_hints(hint).values():
                look(inner)
        if isinstance(hint, type) and issubclass(hint, Enum):
            assert all(str(one) == one.value for one in hint)

    for verb in VERBS.values():
        look(verb.asked)
        look(verb.answer)
    assert len(seen) > 25
