"""A zone is changed for the names of the account that has it, and for nobody else's."""

from __future__ import annotations

import pytest

from jobs.policy.zone_rights import ZoneRights

RIGHTS = ZoneRights(
    owners={
        "corp.test": "corp", "shop.corp.test": "corp", "vpn.corp.test": "mallory", "x.bare.test": "mallory",
        "far.test": "alice", "www.far.test": "alice", "*.wild.test": "bob", "wild.test": "bob", "evil.test": "mallory",
    },
    assigned={"given.test": "alice", "deep.corp.test": "alice"},
    proven=frozenset({"corp.test", "wild.test", "x.bare.test", "vpn.corp.test", "evil.test"}),
)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("corp.test", "corp.test"),
        ("shop.corp.test", "corp.test"),
        ("mail.shop.corp.test", "corp.test"),
        ("*.corp.test", "corp.test"),
        ("shop.corp.test", "_acme-challenge.corp.test"),
        ("*.wild.test", "wild.test"),
    ],
)
def test_the_account_of_the_website_at_the_top_has_the_zone(name: str, zone: str) -> None:
    assert RIGHTS.why_not(name, zone) == ""


@pytest.mark.parametrize(
    ("name", "zone", "why"),
    [
        ("vpn.corp.test", "corp.test", "the zone corp.test is another account's"),
        ("evil.test", "corp.test", "the zone corp.test is another account's"),
        ("x.bare.test", "bare.test", "nobody on this host has the website bare.test"),
        ("www.far.test", "far.test", "far.test does not lead to this host"),
        ("far.test", "far.test", "far.test does not lead to this host"),
        ("nobody.test", "nobody.test", "nobody on this host has the website nobody.test"),
    ],
)
def test_nobody_else_has_it(name: str, zone: str, why: str) -> None:
    assert why in RIGHTS.why_not(name, zone)


def test_what_leads_here_is_learned() -> None:
    assert RIGHTS.with_proven(["far.test"]).why_not("www.far.test", "far.test") == ""


def test_an_administrator_says_whose_a_domain_is() -> None:
    owners = {**RIGHTS.owners, "www.given.test": "alice", "x.given.test": "mallory", "a.deep.corp.test": "alice"}
    known = ZoneRights({**owners, "b.deep.corp.test": "corp"}, RIGHTS.assigned, RIGHTS.proven)
    assert known.why_not("www.given.test", "given.test") == ""
    assert known.why_not("x.given.test", "given.test") == "given.test was given to another account"
    assert known.why_not("a.deep.corp.test", "corp.test") == ""
    assert known.why_not("b.deep.corp.test", "corp.test") == "deep.corp.test was given to another account"
    assert known.why_not("shop.corp.test", "corp.test") == ""
