"""Wrong sign-ins are counted in the database: per name, per address, and before they are looked at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

import models
from jobs.policy.access import Role
from jobs.policy.attempts import FORGOTTEN_AFTER, LIMITS, TRUSTED_FOR
from jobs.policy.failure import Failure
from jobs.wiring import attempts, people, sign_in
from jobs.wiring.instance import Instance
from tests.fakes import NOW

PASSWORD = "correct horse battery"
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
FREE = LIMITS["pair"].free


@pytest.fixture(autouse=True)
def root(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> models.User:
    monkeypatch.setattr(people, "METHOD", "scrypt:1024:8:1")
    return people.create("root", PASSWORD, Role.ADMIN)


def wrong(name: str = "root", address: str = HERE, at=NOW) -> None:
    assert sign_in.first_step(name, "wrong", address, at) is None


def waits(name: str = "root", address: str = HERE, at=NOW) -> timedelta:
    """How long the right password has to wait; nothing, if it opens."""
    try:
        assert sign_in.first_step(name, PASSWORD, address, at) is not None or name != "root"
    except Failure as failure:
        assert failure.code == "login_limited" and failure.retry_at is not None
        return failure.retry_at - at
    return timedelta(0)


def test_after_five_failures_even_the_right_password_waits_and_each_further_one_doubles_it() -> None:
    for _ in range(FREE):
        wrong()
    assert waits() == timedelta(minutes=1)
    moment = NOW
    for minutes in (2, 4, 8, 16, 32, 60, 60):
        moment += timedelta(minutes=60)
        wrong(at=moment)
        assert waits(at=moment) == timedelta(minutes=minutes)
    assert waits(at=moment + timedelta(minutes=60)) == timedelta(0)


def test_waiting_attempts_do_not_lengthen_the_wait() -> None:
    for _ in range(FREE):
        wrong()
    for _ in range(50):
        assert waits() == timedelta(minutes=1)


def test_failures_are_forgotten_a_day_after_the_last() -> None:
    for _ in range(FREE):
        wrong()
    wrong(at=NOW + FORGOTTEN_AFTER)
    assert models.Attempt.select(models.Attempt.failures).where(models.Attempt.kind == "pair").scalar() == 1


def test_a_success_forgets_the_failures_before_it() -> None:
    for _ in range(3):
        for _ in range(FREE - 1):
            wrong()
        assert waits() == timedelta(0)


def test_the_right_password_is_not_counted_against_its_address() -> None:
    for _ in range(LIMITS["address"].free * 2):
        assert waits() == timedelta(0)


def test_somebody_elsewhere_does_not_lock_the_administrator_out() -> None:
    for _ in range(FREE):
        wrong(address=ELSEWHERE)
    assert waits() == timedelta(0)


def test_one_address_can_not_try_many_names() -> None:
    for number in range(LIMITS["address"].free):
        wrong(f"user{number}", ELSEWHERE)
    assert waits("another", ELSEWHERE) == timedelta(minutes=1)
    assert waits("another", HERE) == timedelta(0)


def test_one_ipv6_host_is_one_address() -> None:
    for number in range(LIMITS["address"].free):
        wrong(f"user{number}", f"2001:db8::{number:x}")
    assert waits("another", "2001:db8::ffff") == timedelta(minutes=1)


def test_many_addresses_can_not_try_one_name_without_end() -> None:
    for number in range(LIMITS["name"].free):
        wrong(address=f"203.0.113.{number}")
    assert waits(address="198.51.100.1") == timedelta(minutes=1)


def test_but_an_address_from_which_that_user_signed_in_is_let_in_all_the_same() -> None:
    assert waits() == timedelta(0)
    for number in range(LIMITS["name"].free):
        wrong(address=f"203.0.113.{number}")
    assert waits(address=ELSEWHERE) == timedelta(minutes=1)
    assert waits() == timedelta(0)
    later = NOW + TRUSTED_FOR
    for number in range(LIMITS["name"].free):
        wrong(address=f"203.0.113.{number}", at=later)
    assert waits(at=later) == timedelta(minutes=1)


def test_guesses_at_the_same_time_count_each(instance: Instance) -> None:
    def guess(_: int) -> str:
        with models.database.connection_context():
            try:
                attempts.claim("root", HERE, None, NOW)
            except Failure as failure:
                return failure.code
            return "tried"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(guess, range(40)))
    assert results.count("tried") == FREE


def test_what_was_typed_is_not_kept() -> None:
    wrong("my secret password")
    assert "my secret" not in str(list(models.Attempt.select().dicts()))


def test_a_user_may_be_let_try_again(root: models.User) -> None:
    for _ in range(FREE):
        wrong()
    attempts.forget(root)
    assert waits() == timedelta(0)


def test_guessing_does_not_fill_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_ROWS", 60)
    monkeypatch.setattr(attempts, "_PRUNED_TO", 50)
    for number in range(100):
        attempts.claim(f"user{number}", f"10.0.0.{number}", None, NOW + timedelta(seconds=number))
    assert models.Attempt.select().count() <= 63
    wrong(at=NOW + FORGOTTEN_AFTER + timedelta(seconds=200))
    assert models.Attempt.select().count() == 3
