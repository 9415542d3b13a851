"""Who a user is comes from passwd, which is read once; whom a directory service does not list is asked for."""

from __future__ import annotations

import pwd

import pytest

from jobs.accounts.system import Users


def entry(name: str, uid: int) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", f"/home/{name}", "/bin/sh"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Questions for one user; `carol` is in a directory service that lists nobody."""
    found: list[object] = []

    def one(key: object) -> pwd.struct_passwd:
        found.append(key)
        if key in ("carol", 5000):
            return entry("carol", 5000)
        raise KeyError(key)

    monkeypatch.setattr(pwd, "getpwall", lambda: [entry("alice", 1001), entry("alias", 1001), entry("1002", 1003)])
    monkeypatch.setattr(pwd, "getpwuid", one)
    monkeypatch.setattr(pwd, "getpwnam", one)
    return found


def test_users_that_are_listed_are_not_asked_for(asked: list[object]) -> None:
    users = Users()
    assert (users.name_of(1001), users.existing("alice"), users.existing("#1001")) == ("alice",) * 3
    assert users.name_of(None) is None and users.existing(None) is None and users.existing("") is None
    assert not asked


def test_a_user_of_a_directory_service_is_found(asked: list[object]) -> None:
    users = Users()
    assert (users.name_of(5000), users.existing("carol"), users.existing("5000")) == ("carol",) * 3


def test_nobody_is_made_up(asked: list[object]) -> None:
    users = Users()
    assert users.name_of(4000) is None and users.existing("mallory") is None
    assert asked == [4000, "mallory"]


def test_a_number_is_a_uid_even_where_a_user_has_it_for_a_name(asked: list[object]) -> None:
    assert Users().existing("1002") is None
