"""Two listings of named-checkzone, compared."""

from __future__ import annotations

import pytest

from jobs.policy.zone_listing import Listed, difference, hidden_by, listed, lost_to, record_set, serial

TEXT = """a.test.\t\t 300 IN SOA\tns.a.test. admin.a.test. 2026010100 3600 600 86400 60
a.test.\t\t 300 IN NS\t\tns.a.test.
Www.a.test.\t\t 60 IN TXT\t"two  blanks" "a;b"
sub.a.test. 300 IN NS ns.sub.a.test.
x.sub.a.test. 300 IN A 192.0.2.1
gone.a.test. 300 IN DNAME b.test.
"""
RECORDS = listed(TEXT)


def test_a_listing_is_read_as_it_is() -> None:
    assert serial(RECORDS, "a.test") == 2026010100
    assert record_set(RECORDS, "www.a.test", "TXT") == (Listed("www.a.test", 60, "TXT", '"two  blanks" "a;b"'),)
    with pytest.raises(ValueError):
        serial(RECORDS, "b.test")


@pytest.mark.parametrize("text", ["a.test. 300 IN\n", "zone a.test/IN: loaded serial 1\n", "OK\n", "a 1 IN A ::\n"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a record"):
        listed(text)


@pytest.mark.parametrize(("owner", "by"), [
    ("a.test", None), ("www.a.test", None), ("sub.a.test", "sub.a.test"), ("y.sub.a.test", "sub.a.test"),
    ("xsub.a.test", None), ("gone.a.test", None), ("x.gone.a.test", "gone.a.test"),
])
def test_names_below_a_delegation_or_a_dname_are_hidden(owner: str, by: str | None) -> None:
    found = hidden_by(RECORDS, "a.test", owner)
    assert (found.owner if found else None) == by


@pytest.mark.parametrize(("owner", "lost"), [
    ("w.test", None), ("own.w.test", None), ("_acme-challenge.w.test", None), ("_acme-challenge.own.w.test", None),
    ("x.w.test", "x.w.test"), ("_acme-challenge.x.w.test", "x.w.test"), ("a.b.x.w.test", "x.w.test"),
    ("y.own.w.test", None), ("between.w.test", None), ("x.between.w.test", None),
    ("_acme-challenge.z.texts.w.test", None),
    ("_acme-challenge.z.alias.w.test", "z.alias.w.test"), ("_acme-challenge.x.y.alias.w.test", "y.alias.w.test"),
    ("_acme-challenge.other.test", None), ("_a.x.w.test", "x.w.test"),
])
def test_a_name_that_lives_by_a_wildcard_is_lost_to_what_is_put_at_it_or_below(owner: str, lost: str | None) -> None:
    records = [
        Listed(owner, 300, kind, "x") for owner, kind in (
            ("w.test", "SOA"), ("*.w.test", "A"), ("own.w.test", "A"), ("deep.between.w.test", "TXT"),
            ("*.texts.w.test", "TXT"), ("*.alias.w.test", "CNAME"),
        )
    ]
    assert lost_to(records, "w.test", owner) == lost


def test_differences_are_told_but_for_the_serial_number() -> None:
    later = listed(TEXT.replace("2026010100", "2026010101"))
    assert difference(RECORDS, later, "a.test") == ([], [])
    retried = listed(TEXT.replace("3600 600", "3600 601"))
    gone, new = difference(RECORDS, retried, "a.test")
    assert [one.kind for one in (*gone, *new)] == ["SOA", "SOA"]
    slower = listed(TEXT.replace(" 60 IN TXT", " 61 IN TXT"))
    gone, new = difference(RECORDS, slower, "a.test")
    assert (gone[0].ttl, new[0].ttl) == (60, 61)
    assert difference(RECORDS, slower, "a.test", ("www.a.test", "TXT")) == ([], [])
