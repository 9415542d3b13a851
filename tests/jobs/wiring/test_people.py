"""Administrators: passwords that are never kept, guessing that is limited, sessions that can be ended."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

import models
from jobs.policy.failure import Failure
from jobs.ports import Place
from jobs.wiring import people
from jobs.wiring.instance import create
from tests.fakes import NOW

PASSWORD = "correct horse battery"


@pytest.fixture
def attempts(tmp_path: Path):
    create(tmp_path / "instance")
    people.create_admin("root", PASSWORD)
    yield people.Attempts()
    models.database.close()


def test_the_right_password_opens_and_a_wrong_one_does_not(attempts: people.Attempts) -> None:
    assert people.check_login(attempts, "root", PASSWORD, "192.0.2.1", NOW).name == "root"
    assert people.check_login(attempts, "root", PASSWORD + "x", "192.0.2.1", NOW) is None
    assert people.check_login(attempts, "nobody", PASSWORD, "192.0.2.1", NOW) is None


def test_the_password_itself_is_nowhere_in_the_table(attempts: people.Attempts) -> None:
    row = models.User.get()
    assert row.password.startswith("scrypt:")
    assert PASSWORD not in row.password


def test_after_five_failures_even_the_right_password_waits(attempts: people.Attempts) -> None:
    for _ in range(people.PAIR_LIMIT):
        assert people.check_login(attempts, "root", "wrong", "192.0.2.1", NOW) is None
    with pytest.raises(Failure) as caught:
        people.check_login(attempts, "root", PASSWORD, "192.0.2.1", NOW)
    assert caught.value.code == "login_limited"
    assert caught.value.retry_at == NOW + people.WINDOW
    later = NOW + people.WINDOW + timedelta(seconds=1)
    assert people.check_login(attempts, "root", PASSWORD, "192.0.2.1", later) is not None


def test_an_attacker_elsewhere_does_not_lock_the_administrator_out(attempts: people.Attempts) -> None:
    for _ in range(people.PAIR_LIMIT):
        people.check_login(attempts, "root", "wrong", "198.51.100.7", NOW)
    assert people.check_login(attempts, "root", PASSWORD, "192.0.2.1", NOW) is not None


def test_one_address_can_not_try_many_names(attempts: people.Attempts) -> None:
    for number in range(people.ADDRESS_LIMIT):
        attempts.failed(f"user{number}", "198.51.100.7", NOW)
    with pytest.raises(Failure, match="too many"):
        people.check_login(attempts, "another", "wrong", "198.51.100.7", NOW)


def test_a_success_forgets_the_failures_before_it(attempts: people.Attempts) -> None:
    for _ in range(3):
        for _ in range(people.PAIR_LIMIT - 1):
            people.check_login(attempts, "root", "wrong", "192.0.2.1", NOW)
        assert people.check_login(attempts, "root", PASSWORD, "192.0.2.1", NOW) is not None


def test_guessing_does_not_fill_the_memory(attempts: people.Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "_MOST_KEYS", 50)
    for number in range(500):
        attempts.failed(f"user{number}", f"10.0.0.{number}", NOW)
    assert len(attempts._failed) <= 50


def test_a_new_session_key_ends_every_session(attempts: people.Attempts) -> None:
    row = models.User.get()
    former = row.session_key
    assert people.find_session(former).name == "root"
    models.User.update(session_key="another").execute()
    assert people.find_session(former) is None


@pytest.mark.parametrize("password", ["", "short", "x" * 1001])
def test_weak_and_endless_passwords_are_refused(attempts: people.Attempts, password: str) -> None:
    with pytest.raises(Failure, match="expected 10 to 1000"):
        people.create_admin("other", password)


def test_the_cookie_key_is_made_once_and_closed(attempts: people.Attempts, tmp_path: Path) -> None:
    place = Place(tmp_path / "instance")
    key = people.secret_key(place)
    assert len(key) == 64
    assert people.secret_key(place) == key
    assert stat.S_IMODE((place.keys / "session.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in place.keys.iterdir()) == ["orders", "session.key"]
