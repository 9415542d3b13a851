"""What the doctor concludes from what it measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.policy.doctor import (
    FEW_INODES,
    LITTLE_ROOM,
    MOST_ADDRESSES,
    NO_INODES,
    NO_ROOM,
    OLDEST_NIGHTLY,
    Result,
    Rhythm,
    Room,
    State,
    asked_addresses,
    clock,
    rhythm,
    room,
    worst,
)
from tests.fakes import NOW

FINE = Rhythm(True, NOW - timedelta(days=9), NOW - timedelta(hours=9), NOW + timedelta(hours=15), None, False)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("seconds", "state", "words"),
    [
        (0, State.FINE, "this host and ca.test agree"),
        (20, State.FINE, "differ by 20 s"),
        (-20, State.FINE, "differ by 19 s"),  # a Date is cut to the second
        (45, State.WARNING, "this host is 45 seconds behind ca.test"),
        (-600, State.WRONG, "this host is 9 minutes ahead of ca.test"),
        (7300, State.WRONG, "this host is 2 hours behind ca.test"),
    ],
)
def test_a_clock_is_judged_by_how_far_it_is_off(seconds: int, state: State, words: str) -> None:
    found = clock("ca.test", NOW + seconds * SECOND, NOW, NOW)
    assert found.state is state and words in found.text
    assert bool(found.remedy) is (state is not State.FINE)


def test_a_slow_answer_is_no_skew() -> None:
    for shown in (NOW, NOW + 20 * SECOND, NOW + 40 * SECOND):
        assert clock("ca.test", shown, NOW, NOW + 40 * SECOND).text.endswith("agree")


@pytest.mark.parametrize(
    ("free", "inodes", "state"),
    [
        (LITTLE_ROOM, FEW_INODES, State.FINE),
        (LITTLE_ROOM - 1, FEW_INODES, State.WARNING),
        (LITTLE_ROOM, FEW_INODES - 1, State.WARNING),
        (NO_ROOM - 1, FEW_INODES, State.WRONG),
        (LITTLE_ROOM, NO_INODES - 1, State.WRONG),
    ],
)
def test_room_is_a_matter_of_bytes_and_of_inodes(free: int, inodes: int, state: State) -> None:
    assert room(Room("/var", free, inodes, 10**6)).state is state


def test_a_file_system_without_inodes_is_judged_by_its_bytes() -> None:
    assert room(Room("/var", LITTLE_ROOM, 0, 0)) == Result(State.FINE, "/var", "500 MiB are free")


def states(found: Rhythm, provider: bool = True) -> dict[str, State]:
    return {one.subject: one.state for one in rhythm(found, provider, NOW)}


def test_work_goes_on_by_itself_with_a_server_and_a_check_in_the_last_night() -> None:
    assert set(states(FINE).values()) == {State.FINE}
    assert states(replace(FINE, serving=False))["server"] is State.WRONG


def test_a_nightly_check_that_is_missing_for_more_than_26_hours_is_wrong() -> None:
    for age, state in ((OLDEST_NIGHTLY, State.FINE), (OLDEST_NIGHTLY + SECOND, State.WRONG)):
        assert states(replace(FINE, last=NOW - age))["nightly check"] is state
        assert states(replace(FINE, last=None, since=NOW - age))["nightly check"] is state
    assert states(replace(FINE, last=None, since=None))["nightly check"] is State.FINE
    assert states(FINE, provider=False)["nightly check"] is State.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("locked", "hours", "state"),
    [(False, None, State.FINE), (True, None, State.FINE), (True, 1, State.FINE), (True, 13, State.WARNING),
     (False, 1, State.WARNING)],
)
def test_a_check_that_died_or_hangs_is_worth_a_look(locked: bool, hours: int | None, state: State) -> None:
    since = None if hours is None else NOW - timedelta(hours=hours)
    assert states(replace(FINE, locked=locked, working_since=since))["work lock"] is state


def test_public_addresses_are_asked_and_those_of_a_network_only_without_them() -> None:
    own = {"10.0.0.5", "172.17.0.1", "203.0.113.7", "192.31.196.10", "fe80::1", "fd00::1"}
    assert asked_addresses(own) == ("192.31.196.10", "fd00::1")
    assert asked_addresses({"10.0.0.5", "fe80::1"}) == ("10.0.0.5",)
    assert asked_addresses(()) == ()
    assert len(asked_addresses(f"192.31.196.{last}" for last in range(1, 200))) == MOST_ADDRESSES


def test_the_whole_is_as_bad_as_its_worst_part() -> None:
    assert worst([]) is State.NOT_APPLICABLE
    assert worst([State.NOT_APPLICABLE, State.FINE]) is State.FINE
    assert worst([State.WRONG, State.FINE, State.WARNING]) is State.WRONG
