"""What the root side accepts of the side that it does not trust: only names of this host's own word, each its owner's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy import root_contract
from jobs.policy.certificate import Certificate
from jobs.policy.discovery import Found
from jobs.policy.failure import Failure
from jobs.policy.names import parent
from jobs.policy.root_contract import (
    Known,
    accepted,
    in_vhosts,
    known,
    neighbours,
    refuse_odd_record,
    refuse_strange_names,
)
from jobs.policy.site import Website, hostname
from tests.fakes import NOW

SHOP = Website("alice", ("shop.test", "www.shop.test", "alias.test"), "/home/alice", "apache", "/etc/a.conf", 3)
BLOG = Website("bob", ("blog.shop.test", "blog.test"), "/home/bob", "apache", "/etc/b.conf", 1)
WILD = Website("carol", ("apps.test", "*.apps.test"), "/home/carol", "apache", "/etc/c.conf", 1)
HOST = Known.of([SHOP, BLOG, WILD])
ANSWER = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"


def asked(*names: str, account: str = "alice", part_of: str | None = None) -> Website:
    return Website(account, names, part_of=part_of)


def certificate(*names: str, self_signed: bool = False) -> Certificate:
    return Certificate(names, "1", "ff", "CA: x", NOW, NOW + timedelta(days=90), self_signed, "ecdsa-p256", False)


def refused(website: Website, host: Known = HOST) -> str:
    with pytest.raises(Failure) as told:
        accepted(website, host)
    assert told.value.code == root_contract.REFUSED and told.value.permanent
    return told.value.detail


# --- websites


def test_a_website_of_this_host_is_what_its_web_server_says() -> None:
    lie = Website("alice", ("shop.test",), "/root", "evil", "/etc/shadow", 7, (("x", "y"),))
    assert accepted(lie, HOST) == SHOP


def test_names_that_no_web_server_knows_stand_beside_the_websites_own() -> None:
    found = accepted(asked("shop.test", "mail-only.test"), HOST)
    assert found == replace(SHOP, names=(*SHOP.names, "mail-only.test"))


def test_names_of_another_website_are_left_out_of_one_that_is_known() -> None:
    found = accepted(asked("shop.test", "blog.test", "x.apps.test", "a.b.apps.test", "*.apps.test"), HOST)
    assert found == SHOP


def test_a_website_that_no_web_server_knows_has_the_names_that_are_asked_for_and_no_place() -> None:
    lie = Website("alice", ("mail.elsewhere.test",), "/root", "evil", "/etc/shadow", 7, (("x", "y"),))
    assert accepted(lie, HOST) == asked("mail.elsewhere.test")


@pytest.mark.parametrize("names", [
    ("evil.test", "shop.test"), ("evil.test", "alias.test"), ("www.shop.test",), ("evil.test", "blog.shop.test"),
    ("x.apps.test",), ("a.b.apps.test",), ("evil.test", "*.apps.test"), ("evil.test", "*.a.apps.test"),
    ("evil.test", "*.shop.test"), ("evil.test", "*.test.") , ("evil.test", "*.blog.shop.test", "blog.test"),
])
def test_a_website_with_a_name_that_another_ones_vhost_answers_for_is_refused(names: tuple[str, ...]) -> None:
    refused(asked(*names))


@pytest.mark.parametrize("name", [
    "", ".", "..", "a", "localhost", "127.0.0.1", "../../etc", "shop.test/../x", "SHOP.test", "Shop.Test", "shop.test.",
    "shop..test", " shop.test", "shop.test\n", "shop.test\nServerName x", 'a".test', "a'.test", "a;b.test", "a{b.test",
    "$(x).test", "`x`.test", "a b.test", "\0.test", "ü.test", "sh\u00f6p.test", "shop\u3002test", "\ud800.test",
    "-a.test",
    "a-.test", "_acme-challenge.shop.test", "*.*.test", "a.*.test", "*", "*.", "**.test", "a" * 64 + ".test",
    "a." * 130 + "test", "<IfModule>.test", "%{HTTP_HOST}.test", "a\\.test", "a/b.test", "a\u202e.test", "a" * 10_000,
])
def test_what_is_no_host_name_as_it_is_kept_is_refused(name: str) -> None:
    refused(asked(name))
    refused(asked("evil.test", name))
    refused(asked("mail.evil.test", part_of=name))
    refused(asked("www.shop.test", name, part_of="shop.test"))


def test_a_website_is_not_called_after_a_wildcard() -> None:
    refused(asked("*.evil.test"))


@pytest.mark.parametrize("account", ["", "../alice", "a b", "alice\n", "a" * 65, "\ud800", "alice;", "-x"])
def test_what_is_no_name_of_an_account_is_refused(account: str) -> None:
    refused(asked("shop.test", account=account))


def test_a_website_has_a_name_and_not_more_than_a_thousand() -> None:
    refused(asked())
    refused(asked(*(f"n{at}.evil.test" for at in range(1001))))
    assert len(accepted(asked(*(f"n{at}.evil.test" for at in range(1000))), HOST).names) == 1000


def test_a_website_of_a_manifest_whose_name_appears_in_a_web_server_is_that_ones_from_then_on() -> None:
    mine = asked("later.test", "more.test", account="mallory")
    assert accepted(mine, HOST) == mine
    owner = Website("dave", ("dave.test", "later.test"), "/home/dave", "apache", "/etc/d.conf", 1)
    refused(mine, Known.of([SHOP, owner]))
    same = Website("dave", ("later.test",), "/home/dave", "apache", "/etc/d.conf", 1)
    assert accepted(mine, Known.of([SHOP, same])).docroot == "/home/dave"


def test_what_several_web_servers_say_is_put_together_as_discovery_does_it() -> None:
    apache = Website("alice", ("shop.test", "a.test"), source="apache")
    nginx = Website("alice", ("shop.test", "n.test"), source="nginx")
    host = known([Found("nginx", websites=(nginx,)), Found("apache", websites=(apache, BLOG))])
    assert accepted(asked("shop.test"), host).names == ("shop.test", "a.test", "n.test")
    assert accepted(asked("blog.shop.test"), host).names == BLOG.names


# --- parts


def test_a_part_has_names_of_its_website_or_below_them() -> None:
    part = asked("www.shop.test", "mail.alias.test", part_of="shop.test")
    assert accepted(part, HOST) == part
    stranger = asked("mail.evil.test", "evil.test", part_of="evil.test")
    assert accepted(stranger, HOST) == stranger


@pytest.mark.parametrize("part", [
    asked("shop.test", part_of="shop.test"), asked("blog.shop.test", part_of="shop.test"),
    asked("www.shop.test", "blog.test", part_of="shop.test"), asked("www.shop.test", "evil.test", part_of="shop.test"),
    asked("www.shop.test", part_of="evil.test"), asked("www.shop.test", part_of="blog.shop.test"),
    asked("*.shop.test", part_of="shop.test"), asked("www.shop.test", "*.shop.test", part_of="shop.test"),
    asked("evil.test", part_of="evil.test"), asked("a.blog.shop.test", "blog.shop.test", part_of="shop.test"),
    asked("x.apps.test", part_of="test.apps.test"), asked("notshop.test", part_of="shop.test"),
    asked("www.shop.test", part_of="www.shop.test"), asked("www.shop.test", part_of="alias.test"),
])
def test_a_part_of_something_else_is_refused(part: Website) -> None:
    refused(part)


# --- what services have to do with it


def test_a_web_server_has_to_do_with_its_own_names_only() -> None:
    assert in_vhosts(accepted(asked("shop.test", "foobar.glob.test"), HOST), HOST) == SHOP
    assert in_vhosts(accepted(asked("evil.test"), HOST), HOST) is None
    assert in_vhosts(accepted(asked("www.shop.test", part_of="shop.test"), HOST), HOST) is None


def test_a_certificate_with_names_below_somebody_elses_has_neighbours() -> None:
    stranger = accepted(asked("mail.shop.test"), HOST)
    assert "shop.test" in neighbours(certificate("mail.shop.test"), stranger, HOST)
    assert "shop.test" in neighbours(certificate("*.mail.alias.test"), stranger, HOST)
    assert neighbours(certificate("shop.test", "www.shop.test"), SHOP, HOST) == ()


# --- certificates


def test_a_certificate_of_the_websites_own_names_and_below_them_is_accepted() -> None:
    refuse_strange_names(SHOP, certificate("shop.test", "mail.shop.test", "*.alias.test", "a.b.www.shop.test"), HOST)
    part = accepted(asked("www.shop.test", part_of="shop.test"), HOST)
    refuse_strange_names(part, certificate("www.shop.test", "mail.shop.test"), HOST)


@pytest.mark.parametrize("names", [
    ("evil.test",), ("shop.test", "evil.test"), ("shop.test", "blog.shop.test"), ("shop.test", "blog.test"),
    ("test",), ("*.test",), ("*",), ("shop.test", "*.*.shop.test"), ("notshop.test",), ("shop.test", "sub.*.shop.test"),
    ("SHOP.test",), ("shop.test\n",), ("shop.test", "a b.shop.test"), ("shop.test", "apps.test"), (),
    ("shop.test", "../x.shop.test"), ("shop.test", 'x".shop.test'), ("shop.test", "*.apps.test"),
    tuple(f"n{at}.shop.test" for at in range(1001)),
])
def test_a_certificate_with_other_names_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(Failure) as told:
        refuse_strange_names(SHOP, certificate(*names), HOST)
    assert told.value.code == root_contract.REFUSED


def test_a_self_signed_certificate_is_refused() -> None:
    with pytest.raises(Failure):
        refuse_strange_names(SHOP, certificate("shop.test", self_signed=True), HOST)


def test_a_trusted_certificate_may_name_others_as_well_but_not_them_alone() -> None:
    refuse_strange_names(SHOP, certificate("elsewhere.test", "shop.test", "blog.test"), HOST, trusted=True)
    for names in (("elsewhere.test",), ("blog.test", "notshop.test"), ()):
        with pytest.raises(Failure):
            refuse_strange_names(SHOP, certificate(*names), HOST, trusted=True)
    with pytest.raises(Failure):
        refuse_strange_names(SHOP, certificate("shop.test", self_signed=True), HOST, trusted=True)


# --- records


@pytest.mark.parametrize(("name", "kind", "value"), [
    ("_acme-challenge.shop.test", "TXT", ANSWER), ("shop.test.acme.host.test", "TXT", ANSWER),
    ("shop.test", "CAA", '0 issue "letsencrypt.org"'), ("shop.test", "CAA",
    '0 issuewild "ca.test; accounturi=https://a/1"'),
])
def test_an_answer_to_a_challenge_and_a_caa_record_that_allows_a_ca_are_fit(name: str, kind: str, value: str) -> None:
    refuse_odd_record(name, kind, value, 300)


@pytest.mark.parametrize(("name", "kind", "value", "ttl"), [
    ("default._domainkey.shop.test", "TXT", ANSWER, 300), ("_dmarc.shop.test", "TXT", ANSWER, 300),
    ("_domainkey.shop.test", "TXT", ANSWER, 300), ("_acme-challenge._tcp.shop.test", "TXT", ANSWER, 300),
    ("_acme-challenge.shop.test", "TXT", "v=spf1 +all", 300), ("_acme-challenge.shop.test", "TXT", ANSWER + "\n", 300),
    ("_acme-challenge.shop.test", "TXT", f'{ANSWER}" "more', 300), ("_acme-challenge.shop.test", "A", "192.0.2.1", 300),
    ("_acme-challenge.shop.test", "NS", "ns.evil.test.", 300), ("_acme-challenge.shop.test", "txt", ANSWER, 300),
    ("_acme-challenge.shop.test", "CAA", '0 issue "ca.test"', 300), ("shop.test", "MX", "10 evil.test.", 300),
    ("shop.test", "CAA", '0 issue ";"', 300), ("shop.test", "CAA", '0 issue ""', 300),
    ("shop.test", "CAA", "0 issue ca", 300),
    ("shop.test", "CAA", '0 iodef "mailto:a@b.c"', 300), ("shop.test", "CAA", '1 issue "ca.test"', 300),
    ("shop.test", "CAA", '0 issue "ca.test"\nshop.test. IN A 192.0.2.1', 300),
    ("shop.test", "CAA", '0 issue "a\\"b"', 300),
    ("Shop.test", "TXT", ANSWER, 300), ("shop.test.", "TXT", ANSWER, 300), ("test", "TXT", ANSWER, 300),
    ("", "TXT", ANSWER, 300),
    ("*.shop.test", "TXT", ANSWER, 300), ("$INCLUDE /etc/shadow", "TXT", ANSWER, 300), ("@", "TXT", ANSWER, 300),
    ("a b.shop.test", "TXT", ANSWER, 300), ("a;.shop.test", "TXT", ANSWER, 300), ("a\n.shop.test", "TXT", ANSWER, 300),
    ("\ud800.shop.test", "TXT", ANSWER, 300), ("a." * 130 + "test", "TXT", ANSWER, 300),
    ("_acme-challenge.shop.test", "TXT", ANSWER, 0), ("_acme-challenge.shop.test", "TXT", ANSWER, -1),
    ("_acme-challenge.shop.test", "TXT", ANSWER, 86401), ("_acme-challenge.shop.test", "TXT", ANSWER, 10**4000),
])
def test_any_other_record_is_refused(name: str, kind: str, value: str, ttl: int) -> None:
    with pytest.raises(Failure) as told:
        refuse_odd_record(name, kind, value, ttl)
    assert told.value.code == root_contract.REFUSED


# --- whatever is asked for

LABELS = st.sampled_from(["*", "www", "mail", "blog", "shop", "apps", "alias", "evil", "a", "B", "", "_x", "..", "\n",
    "ü"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "test"])) | st.text(max_size=12)
SITES = st.builds(
    Website, st.sampled_from(["alice", "bob", "../x"]), st.lists(NAMES, max_size=4).map(tuple), st.none() | st.text(),
    st.text(), st.none() | st.text(), st.none() | st.integers(), st.just(()), st.none() | NAMES,
)


def owner_of(name: str) -> str | None:
    """Whose vhost answers for a name, told once more in the slowest way."""
    for site in (SHOP, BLOG, WILD):
        if name in site.names:
            return site.main
    return WILD.main if name.endswith(".apps.test") else None


@given(SITES)
def test_whatever_is_accepted_has_only_good_names_and_none_that_another_website_answers_for(website: Website) -> None:
    try:
        found = accepted(website, HOST)
    except Failure as failure:
        assert failure.code == root_contract.REFUSED and len(failure.detail) < 1000
        return
    assert all(hostname(name) == name for name in found.names) and 1 <= len(found.names) <= 1000 + len(SHOP.names)
    whole = found.part_of or found.main
    assert {owner_of(name) for name in found.names if not name.startswith("*.")} <= {None, whole}
    for base in (name[2:] for name in found.names if name.startswith("*.")):
        below = {owner_of(name) for site in (SHOP, BLOG, WILD) for name in site.names if name.endswith(f".{base}")}
        assert below <= {None, whole}
    own = HOST.websites.get(found.main)
    expected = (own.docroot, own.file, own.line, own.source) if own else (None, None, None, "")
    assert (found.docroot, found.file, found.line, found.source) == expected
    assert not found.main.startswith("*.")
    assert found.part_of is None or (own is None and found.main != found.part_of)


@given(SITES, st.lists(NAMES, max_size=4))
def test_whatever_certificate_is_accepted_names_only_what_is_below_the_website(website: Website,
        names: list[str]) -> None:
    try:
        found = accepted(website, HOST)
        refuse_strange_names(found, certificate(*names), HOST)
    except Failure as failure:
        assert failure.code == root_contract.REFUSED
        return
    whole = HOST.websites.get(found.part_of or found.main)
    stems = {name.removeprefix("*.") for name in (*found.names, *(whole.names if whole else ()))}
    assert names
    for name in names:
        at = name.removeprefix("*.")
        assert hostname(name) == name
        assert HOST.owners.get(name) in (None, found.part_of or found.main)
        while at and at not in stems:
            at = parent(at)
        assert at, name
