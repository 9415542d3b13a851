"""Delegation of dns-01: the CNAME to set, however long the name is, and whether it is set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.delegation import LONGEST_ZONE, Delegation, delegation, standing, zone_fault
from jobs.policy.site import hostname

ZONE = "challenges.host.example"


def test_the_target_is_the_name_below_the_zone() -> None:
    assert str(delegation("www.shop.example", ZONE)) == (
        "_acme-challenge.www.shop.example. CNAME www.shop.example.challenges.host.example."
    )


def test_a_wildcard_shares_the_record_of_its_base() -> None:
    assert delegation("*.shop.example", ZONE) == delegation("shop.example", ZONE)


def test_a_name_that_is_too_long_for_the_zone_is_hashed_and_stays_the_same_name() -> None:
    name = ".".join(["a" * 60] * 3 + ["b" * 40, "example"])
    found = delegation(name, ZONE)
    assert found is not None
    label, _, rest = found.target.partition(".")
    assert (len(label), rest) == (40, ZONE)
    assert found == delegation(name, ZONE)
    assert found != delegation(name.replace("b", "c", 1), ZONE)


def test_a_name_that_leaves_no_room_for_the_challenge_has_none() -> None:
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(longest) == 253
    assert delegation(longest, ZONE) is None
    assert delegation(longest[16:], ZONE) is not None


LABEL = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
NAMES = st.lists(LABEL, min_size=2, max_size=8).map(lambda labels: ".".join([*labels, "example"])).filter(
    lambda name: len(name) <= 237
)
ZONES = st.lists(LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "zone"])).filter(
    lambda name: len(name) <= LONGEST_ZONE
)


@given(first=NAMES, second=NAMES, zone=ZONES)
def test_every_target_is_a_name_in_the_zone_and_no_two_names_share_one(first: str, second: str, zone: str) -> None:
    one, other = delegation(first, zone), delegation(second, zone)
    assert one and other
    for found in (one, other):
        assert found.target.endswith(f".{zone}") and hostname(found.target) == found.target
        assert len(found.owner) <= 253
    assert (one.target == other.target) == (first == second)


@pytest.mark.parametrize("text", ["", "challenges.host.example", "a.b"])
def test_a_zone_is_a_name_or_nothing(text: str) -> None:
    assert zone_fault(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("localhost", "no dot"),
        ("*.host.example", "not a wildcard"),
        ("Host.example", "host.example"),
        ("host.example.", "final dot"),
        ("host.example\n; rm", "letters, digits"),
        ("192.0.2.1", "address"),
        (".".join(["a" * 60] * 3) + ".abcdefghijklmnopqrst.example", "at most 200"),
    ],
)
def test_what_can_not_be_the_zone_is_refused_with_a_reason(text: str, said: str) -> None:
    fault = zone_fault(text)
    assert fault is not None and said in fault


WANTED = Delegation("_acme-challenge.shop.example", "shop.example.challenges.host.example")


@pytest.mark.parametrize(
    ("found", "occupied", "stands", "said"),
    [
        ("shop.example.challenges.host.example", False, True, "it is set"),
        ("old.example.net", False, False, "a CNAME to old.example.net, not to shop.example.challenges"),
        (None, True, False, "take them away first"),
        (None, False, False, "nothing at _acme-challenge.shop.example yet"),
    ],
)
def test_how_it_stands(found: str | None, occupied: bool, stands: bool, said: str) -> None:
    is_set, words = standing(WANTED, found, occupied)
    assert is_set is stands
    assert said in words
