"""Which names are wanted, and in which order a cap keeps them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.names import covers, in_order, wanted_names
from jobs.policy.site import InvalidName, Website, hostname

SITE = Website("alice", ("shop.example.com", "www.shop.example.com", "example.org"))


def fqdns(website: Website, labels: tuple[str, ...] = (), excluded: tuple[str, ...] = (), taken: tuple[str, ...] = ()):
    return [name.fqdn for name in wanted_names(website, labels, excluded, taken)]


def test_own_names_come_first_and_www_and_mail_are_guessed_once() -> None:
    assert fqdns(SITE) == [
        "shop.example.com",
        "www.shop.example.com",
        "example.org",
        "mail.shop.example.com",
        "www.example.org",
        "mail.example.org",
    ]


def test_only_what_the_website_lists_is_its_own() -> None:
    own = {name.fqdn for name in wanted_names(SITE, ("webmail",), ()) if name.own}
    assert own == set(SITE.names)


def test_service_names_are_tried_below_every_stem() -> None:
    names = fqdns(SITE, ("webmail",))
    assert "webmail.example.org" in names
    assert "webmail.www.shop.example.com" not in names


def test_an_excluded_name_is_neither_wanted_nor_guessed() -> None:
    names = fqdns(SITE, (), ("example.org", "mail.shop.example.com"))
    assert "example.org" not in names
    assert "mail.shop.example.com" not in names


def test_a_name_of_another_website_is_never_guessed() -> None:
    assert "mail.example.org" not in fqdns(SITE, taken=("mail.example.org",))


def test_nothing_is_guessed_below_a_wildcard() -> None:
    assert fqdns(Website("a", ("*.example.com",))) == ["*.example.com"]


def test_a_guess_that_would_be_too_long_is_not_made() -> None:
    long = ".".join(["a" * 62] * 4)
    assert len(long) == 251
    assert fqdns(Website("a", (long,))) == [long]


def test_the_order_before_the_cap() -> None:
    site = Website("a", ("main.test", "addon.test", "deep.sub.main.test"))
    names = [
        "webdisk.main.test",
        "deep.sub.main.test",
        "mail.main.test",
        "addon.test",
        "www.main.test",
        "main.test",
        "webmail.main.test",
        "old.main.test",
    ]
    assert in_order(names, site, ("old.main.test",), "main.test") == (
        "old.main.test",
        "main.test",
        "www.main.test",
        "mail.main.test",
        "addon.test",
        "deep.sub.main.test",
        "webmail.main.test",
        "webdisk.main.test",
    )


def test_each_addon_is_kept_with_its_www_and_mail() -> None:
    site = Website("a", ("main.test", "sub.main.test", "bb.test", "b.test"))
    names = [name.fqdn for name in wanted_names(site, ("webmail",), ())]
    assert in_order(names, site, ("mail.b.test",), "main.test") == (
        "mail.b.test",
        "main.test", "www.main.test", "mail.main.test",
        "b.test", "www.b.test",
        "bb.test", "www.bb.test", "mail.bb.test",
        "sub.main.test", "www.sub.main.test", "mail.sub.main.test",
        "webmail.b.test", "webmail.bb.test", "webmail.main.test", "webmail.sub.main.test",
    )


LABELS = st.sampled_from(["www", "mail", "a", "bb", "webmail", "zz"])
NAMES = st.lists(st.lists(LABELS, min_size=1, max_size=3).map(lambda parts: ".".join([*parts, "test"])), max_size=12)


@given(NAMES, NAMES, st.randoms())
def test_the_order_does_not_depend_on_the_order_of_its_input(names: list[str], secured: list[str], random) -> None:
    site = Website("a", ("a.test",))
    shuffled = list(names)
    random.shuffle(shuffled)
    ordered = in_order(names, site, secured, "a.test")
    assert in_order(shuffled, site, secured, "a.test") == ordered
    assert sorted(ordered) == sorted(set(names))
    first_new = next((i for i, name in enumerate(ordered) if name not in secured), len(ordered))
    assert all(name not in secured for name in ordered[first_new:])


@pytest.mark.parametrize(
    ("names", "name", "covered"),
    [
        (("a.test",), "a.test", True),
        (("*.a.test",), "b.a.test", True),
        (("*.a.test",), "a.test", False),
        (("*.a.test",), "c.b.a.test", False),
        (("*.a.test",), "*.a.test", True),
        (("*.a.test",), "*.b.a.test", False),
        ((), "a.test", False),
    ],
)
def test_a_wildcard_covers_exactly_one_label(names: tuple[str, ...], name: str, covered: bool) -> None:
    assert covers(names, name) is covered


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.COM.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.Example.com", "*.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_name_becomes_a_lower_case_a_label(text: str, name: str) -> None:
    assert hostname(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "a..test",
        "-a.test",
        "a-.test",
        "a_b.test",
        "a b.test",
        'a".test',
        "a>.test",
        "a\nb.test",
        "192.0.2.1",
        "a" * 64 + ".test",
        ".".join(["a" * 63] * 4) + ".test",
        "*.",
        "a.*.test",
        "a/../b.test",
        "${x}.test",
        "a.test\x00",
    ],
)
def test_what_cannot_be_certified_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(InvalidName) as caught:
        hostname(text)
    assert str(caught.value).startswith("it ") or "part" in str(caught.value)
