"""Every name ends in exactly one website, whoever lists it how often; nobody takes a name from its owner."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.policy.claims import Claim, printable, read_names, settle
from jobs.policy.site import UNASSIGNED, Website

HTTP, HTTPS = ("*", 80), ("*", 443)


def site(account: str, *names: str, docroot: str | None = None, source: str = "apache", line: int = 1) -> Website:
    return Website(account, names, docroot, source, "/etc/x.conf", line)


def claim(account: str, *names: str, at: tuple[tuple[str, int], ...] = (HTTP,), **facts: object) -> Claim:
    docroot = facts.pop("docroot", None)
    return Claim(site(account, *names, docroot=docroot), at, **facts)  # type: ignore[arg-type]


def outcome(*claims: Claim) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Main name -> account and names."""
    return {found.main: (found.account, found.names) for found in settle(claims).websites}


# --- names


@pytest.mark.parametrize(("texts", "names"), [
    (["a.test", "WWW.A.test.", "a.test"], ("a.test", "www.a.test")),
    (["*.a.test", "a.test"], ("a.test", "*.a.test")),
    (["*.a.test"], ("*.a.test",)),
    (["bücher.test"], ("xn--bcher-kva.test",)),
    ([], ()),
])
def test_valid_names_are_read_with_the_first_plain_one_in_front(texts: list[str], names: tuple[str, ...]) -> None:
    assert read_names(texts) == (names, ())


@pytest.mark.parametrize("text", [
    "", "localhost", "a b.test", "a.test\nServerAlias evil.test", "a.test>", '"a.test"', "192.0.2.1", "-a.test",
    "a..test", "../a.test", "$host", "a.test;", "ü" * 70 + ".test", "a" * 64 + ".test", "*.*.test", "a_b.test",
])
def test_what_can_not_be_a_name_is_kept_with_its_reason(text: str) -> None:
    names, rejected = read_names(["good.test", text])
    assert names == ("good.test",)
    ((shown, why),) = rejected
    assert shown.isprintable() and why


def test_hostile_text_is_shown_without_control_signs_and_cut() -> None:
    assert printable("a\n\x1b[31m\u202eb") == "a\\n\\x1b[31m\\u202eb"
    assert len(printable("x" * 300)) == 256 and printable("x" * 300).endswith("…")


# --- who has a name


def test_the_http_and_the_https_vhost_of_a_name_are_one_website() -> None:
    plain = claim("alice", "a.test", "www.a.test", docroot="/plain")
    secure = claim("alice", "a.test", "blog.a.test", at=(HTTPS,), tls=True, docroot="/secure")
    (found,) = settle([plain, secure]).websites
    assert found.names == ("a.test", "www.a.test", "blog.a.test")
    assert (found.docroot, found.rejected) == ("/plain", ())


def test_at_one_address_the_first_vhost_has_the_name_as_the_web_server_chooses() -> None:
    assert outcome(claim("alice", "a.test"), claim("bob", "b.test", "a.test")) == {
        "a.test": ("alice", ("a.test",)), "b.test": ("bob", ("b.test",)),
    }


def test_a_main_name_counts_more_than_another_account_alias_elsewhere() -> None:
    thief = claim("bob", "b.test", "a.test", at=(("192.0.2.1", 80),))
    owner = claim("alice", "a.test", at=(("192.0.2.2", 80),))
    found = settle([thief, owner]).websites
    assert {one.main: one.account for one in found} == {"b.test": "bob", "a.test": "alice"}
    (bobs,) = (one for one in found if one.account == "bob")
    assert bobs.rejected == (("a.test", "it belongs to the website a.test of the account alice"),)


def test_an_unassigned_vhost_of_the_same_name_joins_the_account_that_is_known() -> None:
    redirect = claim(UNASSIGNED, "a.test")
    secure = claim("alice", "a.test", at=(HTTPS,), tls=True)
    assert outcome(redirect, secure) == {"a.test": ("alice", ("a.test",))}


def test_within_an_account_the_https_vhost_has_the_name() -> None:
    together = claim("alice", "a.test", "shop.a.test", at=(("192.0.2.1", 80),))
    own = claim("alice", "shop.a.test", at=(("192.0.2.1", 443),), tls=True)
    assert outcome(together, own) == {
        "a.test": ("alice", ("a.test",)), "shop.a.test": ("alice", ("shop.a.test",)),
    }


def test_a_source_of_higher_rank_decides_whose_a_name_is() -> None:
    web_server = Claim(site("www", "a.test"), priority=1)
    manifest = Claim(site("alice", "a.test", source="manifest"), priority=0)
    settled = settle([web_server, manifest])
    assert [(found.account, found.source) for found in settled.websites] == [("alice", "manifest")]
    expected = "apache /etc/x.conf:1: a.test: it belongs to the website a.test of the account alice"
    assert settled.remarks == (expected,)


def test_a_web_disk_vhost_adds_its_names_but_neither_place_nor_docroot() -> None:
    disk = claim("alice", "a.test", "webdisk.a.test", at=(("*", 2078),), spare=True, docroot="/disk")
    web = claim("alice", "a.test", docroot="/web")
    (found,) = settle([disk, web]).websites
    assert (found.names, found.docroot) == (("a.test", "webdisk.a.test"), "/web")


@pytest.mark.parametrize("count", [1, 2])
def test_a_wildcard_alone_is_no_website_but_a_remark(count: int) -> None:
    settled = settle([claim("alice", "*.a.test", at=((f"192.0.2.{number}", 80),)) for number in range(count)])
    assert settled.websites == ()
    assert "a wildcard can't be the only name of a website" in settled.remarks[0]
    assert outcome(claim("alice", "a.test", "*.a.test")) == {"a.test": ("alice", ("a.test", "*.a.test"))}


def test_a_vhost_without_any_valid_name_is_a_remark_with_its_place() -> None:
    names, rejected = read_names(["bad name", "_"])
    nobody = Website("alice", names, None, "nginx", "/etc/nginx/x", 7, rejected)
    settled = settle([Claim(nobody, (HTTP,)), Claim(Website("alice", ()), (HTTP,))])
    assert settled.websites == ()
    (remark,) = settled.remarks
    assert remark.startswith("nginx /etc/nginx/x:7: ") and "'bad name'" in remark


def test_two_vhosts_that_hold_each_others_main_name_stay_two() -> None:
    one = claim("alice", "a.test", "b.test", at=(("192.0.2.1", 80), ("192.0.2.1", 443)), tls=True)
    two = claim("bob", "b.test", "a.test", at=(("192.0.2.2", 80),))
    assert outcome(one, two) == {"a.test": ("alice", ("a.test",)), "b.test": ("bob", ("b.test",))}


# --- whatever is claimed

NAMES = ("a.test", "b.test", "c.test", "d.test", "*.a.test")
CLAIMS = st.builds(
    lambda account, names, *rest: Claim(site(account, *sorted(names, key=lambda name: name[0] == "*")), *rest),
    st.sampled_from(("alice", "bob", UNASSIGNED)),
    st.lists(st.sampled_from(NAMES), unique=True, max_size=4),
    st.lists(st.sampled_from((HTTP, HTTPS, ("192.0.2.1", 80))), unique=True, max_size=2).map(tuple),
    st.booleans(),
    st.booleans(),
    st.integers(0, 1),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(CLAIMS, max_size=6))
def test_whatever_is_claimed_every_name_has_one_website_of_somebody_who_listed_it(claims: list[Claim]) -> None:
    settled = settle(claims)
    listed = [name for found in settled.websites for name in found.names]
    claimed = {name for one in claims for name in one.website.names}
    assert len(listed) == len(set(listed))
    assert {name for name in claimed if name[0] != "*"} <= set(listed) <= claimed
    for found in settled.websites:
        assert not found.main.startswith("*.")
        for name in found.names:
            who = {one.website.account for one in claims if name in one.website.names}
            assert found.account in who or UNASSIGNED in who
    assert settle(claims) == settled
