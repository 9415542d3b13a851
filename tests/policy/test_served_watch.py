"""What follows from a look at what is served."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.proof import read_certificate
from jobs.policy.served_watch import (
    CODES,
    FEWEST,
    LOOKS_A_ROUND,
    RELOADS_APART,
    SECOND_LOOK,
    Look,
    Memory,
    Seen,
    Shown,
    State,
    judged,
    may_reload,
    next_reload,
    recognized,
    remembered,
    sample_size,
)
from tests.fakes import NOW, TestCA

DIFFERENT = (Seen.OLDER, Seen.OTHER, Seen.SILENT, Seen.DAMAGED)


@pytest.fixture(scope="module")
def pair() -> tuple[Certificate, Certificate]:
    ca = TestCA()
    newer, older = (read_certificate(ca.bundle(["a.test"], NOW - timedelta(days=age)).leaf) for age in (0, 60))
    return newer, older


def shown(certificate: Certificate, where: str = "a.test on 127.0.0.1 port 443") -> Shown:
    return Shown(where, certificate.fingerprint, certificate)


@pytest.mark.parametrize("watched", [0, 1, 7, 8, 9, 500, 5000, 100_000])
def test_everything_comes_round_within_half_a_day(watched: int) -> None:
    size = sample_size(watched)
    assert size * LOOKS_A_ROUND >= watched and size <= max(FEWEST, watched // LOOKS_A_ROUND + 1)


def test_one_wrong_handshake_of_many_is_a_difference(pair: tuple[Certificate, Certificate]) -> None:
    newer, older = pair
    look = judged(newer, [shown(newer), shown(older, "a.test on ::1 port 443"), shown(newer)])
    assert look.seen is Seen.OTHER and look.fingerprint == older.fingerprint
    assert look.text.startswith("a.test on ::1 port 443: expected") and newer.serial in look.text
    assert f"got the certificate {older.serial}" in look.text


def test_no_handshake_at_all_is_silence_and_one_that_shows_something_says_more(
    pair: tuple[Certificate, Certificate]
) -> None:
    newer, older = pair
    silent = Shown("a.test on 127.0.0.1 port 443", None, detail="a.test on 127.0.0.1 port 443: refused")
    assert judged(newer, [silent, silent]).seen is Seen.SILENT
    assert "refused (and 1 more)" in judged(newer, [silent, silent]).text
    assert judged(newer, [silent, shown(older)]).seen is Seen.OTHER


def test_where_nothing_is_asked_nothing_differs(pair: tuple[Certificate, Certificate]) -> None:
    assert judged(pair[0], []).seen is Seen.IDLE
    assert judged(pair[0], [shown(pair[0])]).seen is Seen.FINE


def test_an_older_one_of_ours_is_told_from_a_strangers(pair: tuple[Certificate, Certificate]) -> None:
    newer, older = pair
    look = judged(newer, [shown(older)])
    assert recognized(look, {older.fingerprint}).seen is Seen.OLDER
    assert recognized(look, {newer.fingerprint}).seen is Seen.OTHER


def test_the_words_of_a_strangers_certificate_hold_no_control_characters(
    pair: tuple[Certificate, Certificate]
) -> None:
    newer, older = pair
    evil = replace(older, issuer="\x1b[2J\nevil" + "x" * 500)
    text = judged(newer, [shown(evil)]).text
    assert text.isprintable() and len(text) < 400


@pytest.mark.parametrize("seen", DIFFERENT)
def test_a_difference_counts_at_the_second_look_and_not_right_after_the_first(seen: Seen) -> None:
    look = Look(seen, text="x")
    first = remembered(Memory(), look, NOW)
    assert (first.state, first.differs_since) == (State.SUSPECTED, NOW)
    assert remembered(first, look, NOW + SECOND_LOOK / 2).state is State.SUSPECTED
    second = remembered(first, look, NOW + SECOND_LOOK)
    assert (second.state, second.differs_since) == (State.DIFFERS, NOW)


def test_what_is_fine_again_is_forgotten_and_counts_anew() -> None:
    was = Memory(State.DIFFERS, NOW, NOW)
    fine = remembered(was, Look(Seen.FINE), NOW + timedelta(hours=1))
    assert (fine.state, fine.differs_since) == (State.FINE, None)
    again = remembered(fine, Look(Seen.OTHER), NOW + timedelta(hours=2))
    assert again.state is State.SUSPECTED and not again.reloaded


def test_what_can_not_be_judged_changes_nothing() -> None:
    was = Memory(State.SUSPECTED, NOW)
    assert remembered(was, Look(Seen.UNKNOWN, text="x"), NOW + timedelta(hours=1)) == was


def test_a_stopped_service_is_no_difference() -> None:
    assert remembered(Memory(State.SUSPECTED, NOW), Look(Seen.IDLE), NOW).state is State.IDLE


@pytest.mark.parametrize("seen", DIFFERENT)
def test_a_reload_happens_once_a_difference_and_never_onto_damaged_files(seen: Seen) -> None:
    look = Look(seen, text="x")
    counts = Memory(State.DIFFERS, NOW)
    assert may_reload(counts, look) is (seen is not Seen.DAMAGED)
    assert not may_reload(Memory(State.SUSPECTED, NOW), look)
    assert not may_reload(replace(counts, reloaded_at=NOW + SECOND_LOOK), look)
    assert may_reload(replace(counts, reloaded_at=NOW - timedelta(days=1)), look) is (seen is not Seen.DAMAGED)


def test_a_service_is_reloaded_once_an_hour_at_most() -> None:
    assert next_reload(None, NOW) is None
    assert next_reload(NOW - RELOADS_APART, NOW) is None
    assert next_reload(NOW - RELOADS_APART / 2, NOW) == NOW + RELOADS_APART / 2


def test_every_difference_has_a_code() -> None:
    assert set(CODES) == set(DIFFERENT)
