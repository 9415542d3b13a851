"""Whether a chain is trusted, by roots of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.trusted import in_its_last_days, is_trusted, roots_in
from tests.authority import Authority
from tests.fakes import NOW

PUBLIC, PRIVATE = Authority("Public"), Authority("Private")
ROOTS = roots_in([b"# a comment\n" + PUBLIC.root])


def trusted(chain: Sequence[bytes]) -> bool:
    return is_trusted(chain, ROOTS, NOW)


@pytest.mark.parametrize("names", [["a.test"], ["www.a.test", "a.test"], ["*.a.test"], ["*.a.test", "a.test"]])
def test_a_chain_to_a_root_of_the_system_is_trusted(names: list[str]) -> None:
    assert trusted(PUBLIC.bundle(names).chain)
    assert trusted(PUBLIC.bundle(names).chain[:2]), "without the root"


def test_a_chain_of_somebodys_own_ca_is_not() -> None:
    assert not trusted(PRIVATE.bundle(["a.test"]).chain)


def test_a_chain_that_has_the_roots_name_is_not() -> None:
    assert not trusted(Authority("Public").bundle(["a.test"]).chain)


def test_a_leaf_is_no_ca() -> None:
    """Everybody can have a certificate of a public CA for a name of his own, and sign others with its key."""
    assert not trusted(PUBLIC.signed_by_a_leaf(["a.test"]).chain)


@pytest.mark.parametrize("moment", [NOW - timedelta(days=1), NOW + timedelta(days=91)])
def test_it_is_not_before_and_after_its_time(moment: object) -> None:
    assert not is_trusted(PUBLIC.bundle(["a.test"]).chain, ROOTS, moment)  # type: ignore[arg-type]


@pytest.mark.parametrize("chain", [(), (b"",), (b"nonsense",), (PUBLIC.root,)])
def test_what_is_no_chain_of_a_server_is_not(chain: tuple[bytes, ...]) -> None:
    assert not trusted(chain)


def test_without_roots_nothing_is() -> None:
    assert roots_in([]) is None and roots_in([b"nonsense"]) is None
    assert not is_trusted(PUBLIC.bundle(["a.test"]).chain, None, NOW)


def test_a_root_that_can_not_be_read_takes_none_of_the_others_away() -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert is_trusted(PUBLIC.bundle(["a.test"]).chain, roots_in([broken + PUBLIC.root, PUBLIC.root]), NOW)


@pytest.mark.parametrize(("days", "last"), [(90, False), (4, False), (3, True), (0, True), (-1, True)])
def test_the_last_days_are_three(days: int, last: bool) -> None:
    ends = NOW + timedelta(days=days)
    one = Certificate(("a.test",), "1", "ff", "x", NOW - timedelta(days=1), ends, False, "ecdsa-p256", False)
    assert in_its_last_days(one, NOW) is last
