"""What several sources say becomes one list, and silence is never taken for an end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.policy.discovery import Change, Found, Known, KnownAccount, merge
from jobs.policy.site import Account, Website

A = Website("alice", ("a.test", "www.a.test"), "/home/alice", "apache", "/etc/a.conf", 3)
B = Website("bob", ("b.test",), "/home/bob", "apache", "/etc/b.conf", 1)
ALICE, BOB = Account("alice"), Account("bob")
APACHE = Found("apache", (ALICE, BOB), (A, B))
NOTHING = Known()
BEFORE = merge([APACHE], NOTHING).now


def test_the_first_discovery_finds_everything_new() -> None:
    first = merge([APACHE], NOTHING)
    assert first.websites == Change(new=("a.test", "b.test"))
    assert first.accounts == Change(new=("alice", "bob"))
    assert first.summary == "2 new, 0 changed, 0 gone; accounts: 2 new, 0 changed, 0 gone"
    assert first.now.websites == (A, B)


def test_the_same_again_is_no_change() -> None:
    again = merge([APACHE], BEFORE)
    assert (again.websites, again.accounts, again.now) == (Change(), Change(), BEFORE)
    assert again.summary == "0 new, 0 changed, 0 gone"


@pytest.mark.parametrize(("site", "changed"), [
    (replace(A, line=99), ()),
    (replace(A, names=("a.test",)), ("a.test",)),
    (replace(A, docroot="/srv/a"), ("a.test",)),
    (replace(A, file="/etc/other.conf"), ("a.test",)),
    (replace(A, account="bob"), ("a.test",)),
    (replace(A, rejected=(("x y", "no"),)), ("a.test",)),
])
def test_what_counts_as_a_change(site: Website, changed: tuple[str, ...]) -> None:
    assert merge([Found("apache", (ALICE, BOB), (site, B))], BEFORE).websites == Change(changed=changed)


def test_a_website_that_its_source_no_longer_names_is_gone() -> None:
    assert merge([Found("apache", (ALICE,), (A,))], BEFORE).websites == Change(gone=("b.test",))


def test_a_source_that_failed_keeps_all_it_said_before() -> None:
    failed = merge([Found("apache", failure="config broken")], BEFORE)
    assert (failed.websites, failed.accounts, failed.now) == (Change(), Change(), BEFORE)
    assert failed.failed == (("apache", "config broken"),)
    assert failed.kept_because_failed == ("a.test", "b.test")
    words = "apache could not be asked, so nothing of it is taken for gone (2 kept): config broken"
    assert failed.summary == f"0 new, 0 changed, 0 gone; {words}"


def test_a_source_that_failed_at_the_first_time_says_nothing() -> None:
    failed = merge([Found("apache", failure="config broken")], NOTHING)
    assert (failed.now, failed.websites, failed.kept_because_failed) == (NOTHING, Change(), ())


def test_one_source_that_failed_does_not_hide_the_other() -> None:
    nginx = Found("nginx", (BOB,), (Website("bob", ("n.test",), source="nginx"),))
    both = merge([Found("apache", failure="broken"), nginx], BEFORE)
    assert both.websites == Change(new=("n.test",))
    assert both.kept_because_failed == ("a.test", "b.test")
    after = merge([APACHE, Found("nginx", (), ())], both.now)
    assert after.websites == Change(gone=("n.test",))


def test_what_another_source_names_as_well_is_not_kept_only_because_of_the_failure() -> None:
    nginx = Found("nginx", (ALICE,), (replace(A, source="nginx"),))
    assert merge([Found("apache", failure="broken"), nginx], BEFORE).kept_because_failed == ("b.test",)


def test_a_source_that_is_no_longer_on_the_machine_takes_its_websites_with_it() -> None:
    assert merge([], BEFORE).websites == Change(gone=("a.test", "b.test"))


def test_a_website_of_two_sources_is_one_and_lives_as_long_as_one_of_them_names_it() -> None:
    nginx = Found("nginx", (), (Website("unassigned", ("a.test", "cdn.a.test"), source="nginx"),))
    both = merge([nginx, APACHE], NOTHING)
    (site,) = (one for one in both.now.websites if one.main == "a.test")
    assert (site.account, site.names, site.source) == ("alice", ("a.test", "www.a.test", "cdn.a.test"), "apache+nginx")
    left = merge([nginx], both.now)
    assert left.websites.gone == ("b.test",)
    assert [one.names for one in left.now.websites] == [("a.test", "cdn.a.test")]


def test_the_manifest_knows_an_account_better_than_the_web_server() -> None:
    better = Account("alice", contact="a@a.test", package="big")
    merged = merge([APACHE, Found("manifest", (better,), ())], NOTHING)
    assert KnownAccount(better, "manifest+apache") in merged.now.accounts
    failed = merge([APACHE, Found("manifest", failure="unreadable")], merged.now)
    assert failed.accounts == Change(), "a failed manifest keeps the contact"


def test_an_account_that_only_a_website_names_exists() -> None:
    alone = merge([Found("apache", (), (A,))], NOTHING)
    assert alone.now.accounts == (KnownAccount(ALICE, "apache"),)


def test_remarks_of_all_sources_are_handed_on() -> None:
    wild = Website("alice", ("*.w.test",), source="apache")
    merged = merge([Found("apache", (), (wild,), remarks=("one",)), Found("nginx", remarks=("two",))], NOTHING)
    assert merged.remarks[:2] == ("one", "two")
    assert "wildcard" in merged.remarks[2]


def test_a_name_that_goes_to_another_account_is_told() -> None:
    taken = replace(B, names=("b.test", "a.test", "www.a.test"))
    merged = merge([Found("apache", (ALICE, BOB), (taken,))], BEFORE)
    assert merged.remarks == tuple(
        f"{name} went from the account alice to bob, which claims it in /etc/b.conf:1"
        for name in ("a.test", "www.a.test")
    )
    assert merge([APACHE], BEFORE).remarks == ()
