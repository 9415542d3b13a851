"""Who may log in: passwords that are never kept, roles, and an administrator that always stays."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

import models
from jobs.policy.access import Role
from jobs.policy.failure import Failure
from jobs.ports import Place
from jobs.wiring import people
from jobs.wiring.instance import Instance
from tests.fakes import NOW

PASSWORD = "correct horse battery"


@pytest.fixture
def root(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> models.User:
    monkeypatch.setattr(people, "METHOD", "scrypt:1024:8:1")
    return people.create("root", PASSWORD, Role.ADMIN)


def test_passwords_are_hashed_by_scrypt_with_enough_work(instance: Instance) -> None:
    user = people.create("root", PASSWORD, Role.ADMIN)
    assert user.password.startswith("scrypt:32768:8:3$")
    assert PASSWORD not in user.password
    assert people.password_right(user, PASSWORD)


def test_the_right_password_is_known_and_a_wrong_one_is_not(root: models.User) -> None:
    assert people.password_right(root, PASSWORD)
    for wrong in (PASSWORD + "x", PASSWORD[:-1], "", PASSWORD.upper(), "x" * 100_000):
        assert not people.password_right(root, wrong)


def test_nobody_and_somebody_without_a_password_have_none_that_is_right(root: models.User) -> None:
    root.password = None
    for user in (None, root):
        for password in ("", PASSWORD, "None"):
            assert not people.password_right(user, password)


def test_a_name_that_does_not_exist_takes_as_long(instance: Instance) -> None:
    user = people.create("root", PASSWORD, Role.ADMIN)
    people.password_right(None, "x")  # the decoy is made at the first use

    def best(who: models.User | None) -> float:
        times = []
        for _ in range(3):
            started = time.perf_counter()
            people.password_right(who, "wrong")
            times.append(time.perf_counter() - started)
        return min(times)

    known, unknown = best(user), best(None)
    assert 0.5 < known / unknown < 2


@pytest.mark.parametrize("password", ["", "short", "x" * 9, "x" * 1001])
def test_weak_and_endless_passwords_are_refused(root: models.User, password: str) -> None:
    for attempt in (
        lambda: people.create("other", password, Role.ADMIN),
        lambda: people.set_password(root, password),
    ):
        with pytest.raises(Failure, match="expected 10 to 1000") as caught:
            attempt()
        assert caught.value.code == "password_weak"
    assert people.administrators() == ["root"]
    assert people.password_right(root, PASSWORD)


@pytest.mark.parametrize("name", ["", " root", "ro ot", "-root", "root\n", "r" * 65, "ro/ot", "rööt", "ro:ot"])
def test_a_name_is_of_plain_characters(root: models.User, name: str) -> None:
    with pytest.raises(Failure) as caught:
        people.create(name, PASSWORD, Role.ADMIN)
    assert caught.value.code == "name_invalid"


def test_a_name_is_taken_once_whatever_its_role(root: models.User) -> None:
    with pytest.raises(Failure) as caught:
        people.create("root", PASSWORD, Role.RESELLER)
    assert caught.value.code == "user_exists"


def test_a_user_has_an_account_that_exists_and_nobody_else_has_one(root: models.User) -> None:
    models.Account.create(name="alice", source="apache", found_at=NOW)
    models.Account.create(name="gone", source="apache", found_at=NOW, gone_at=NOW)
    models.Account.create(name="unassigned", source="apache", found_at=NOW)
    wrong = [(Role.USER, None), (Role.USER, "nobody"), (Role.USER, "gone"), (Role.USER, "unassigned"),
             (Role.ADMIN, "alice"), (Role.RESELLER, "alice")]
    for role, account in wrong:
        with pytest.raises(Failure) as caught:
            people.create("ann", PASSWORD, role, account)
        assert caught.value.code == "account_unknown"
    assert people.create("ann", PASSWORD, Role.USER, "alice").account == "alice"


def test_the_last_administrator_stays(root: models.User) -> None:
    people.create("rita", PASSWORD, Role.RESELLER)
    with pytest.raises(Failure) as caught:
        people.remove("root")
    assert caught.value.code == "last_admin"
    people.create("second", PASSWORD, Role.ADMIN)
    people.remove("root")
    assert people.administrators() == ["second"]


def test_who_is_removed_leaves_no_session_token_code_or_link(root: models.User) -> None:
    from jobs.wiring import second_factor, setup_links, tokens

    second = people.create("second", PASSWORD, Role.ADMIN)
    second_factor.new_backup_codes(second)
    setup_links.make(second, NOW)
    tokens.make(second, "x", "read", None, 1)
    models.Session.create(hash="h", user=second, address="", agent="", created_at=NOW, seen_at=NOW)
    people.remove("second")
    for table in (models.Session, models.Token, models.BackupCode, models.SetupLink):
        assert table.select().count() == 0


def test_the_cookie_key_is_made_once_and_closed(instance: Instance, tmp_path: Path) -> None:
    place = Place(tmp_path / "instance")
    key = people.secret_key(place)
    assert len(key) == 64
    assert people.secret_key(place) == key
    assert stat.S_IMODE((place.keys / "session.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in place.keys.iterdir()) == ["orders", "session.key"]
